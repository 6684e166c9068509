/** The page in a real browser, served by the compiled binary. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { ForeignArchive } from "../support/archives.ts";
import { launchBrowser } from "../support/browser.ts";
import { ClaudeTranscript } from "../support/claude.ts";
import { apartFromTheNetwork, live, message, NO_INTERVALS, open, row } from "../support/page.ts";
import { BINARY, Program, until } from "../support/program.ts";
import { Workspace } from "../support/workspace.ts";

const PHONE = { viewport: { width: 360, height: 740 } };

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

test("page says how to begin while there is no session, and shows the first one when it starts", async () => {
  using workspace = new Workspace();
  await using reading = await open(browser, workspace);
  const { page, complaints } = reading;
  await page.getByText("Start a coding agent such as Claude Code").waitFor();
  await live(page);

  new ClaudeTranscript(workspace.claude).user("The very first prompt");

  await row(page, "The very first prompt").waitFor();
  expect(await page.getByText("No sessions yet").isVisible()).toBe(false);
  expect(complaints).toEqual([]);
});

test("page lists sessions, newest first", async () => {
  using workspace = new Workspace();
  new ClaudeTranscript(workspace.claude).user("An older one");
  new ClaudeTranscript(workspace.claude).user("A newer one").assistant("With an answer");
  await sync(workspace);
  await using reading = await open(browser, workspace);
  const { page, complaints } = reading;
  await row(page, "An older one").waitFor();

  const titles = await page.locator("nav .title").allTextContents();

  expect(titles).toEqual(["A newer one", "An older one"]);
  expect(await row(page, "A newer one").textContent()).toContain("demo_app · claude · 2 messages");
  expect(complaints).toEqual([]);
});

test("page names the machine of a session from another machine", async () => {
  using workspace = new Workspace();
  new ClaudeTranscript(workspace.claude).user("On the road");
  await using synced = new Program(BINARY, ["sync", "--machine", "laptop"], workspace.env);
  expect(await synced.exit()).toBe(0);
  await using reading = await open(browser, workspace);
  await row(reading.page, "On the road").waitFor();
  expect(await row(reading.page, "On the road").textContent()).toContain(
    "demo_app · laptop · claude · 1 message",
  );
});

test("page shows an appended line in the row and in the open messages without a reload", async () => {
  using workspace = new Workspace();
  const transcript = new ClaudeTranscript(workspace.claude).user("Make it faster");
  await sync(workspace);
  await using reading = await open(browser, workspace, { before: NO_INTERVALS });
  const { page, complaints } = reading;
  await row(page, "Make it faster").click();
  await message(page, "Make it faster").waitFor();
  await live(page);
  let loads = 0;
  page.on("load", () => (loads += 1));

  transcript.assistant("It is faster now");

  await message(page, "It is faster now").waitFor();
  await row(page, "2 messages").waitFor();
  expect(loads).toBe(0);
  expect(complaints).toEqual([]);
});

test("page marks a session that changed until it is opened", async () => {
  using workspace = new Workspace();
  const transcript = new ClaudeTranscript(workspace.claude).user("Watch me");
  await sync(workspace);
  await using reading = await open(browser, workspace);
  const { page, complaints } = reading;
  const mark = row(page, "Watch me").getByText("new", { exact: true });
  await live(page);
  await row(page, "Watch me").waitFor();
  expect(await mark.isVisible()).toBe(false);

  transcript.assistant("Something happened");

  await mark.waitFor();
  expect(await page.title()).toBe("(1) sessionwatch");
  await page.getByText("New in Watch me: demo_app · claude · 2 messages").waitFor({ state: "attached" });
  await row(page, "Watch me").press("Enter");
  await mark.waitFor({ state: "hidden" });
  expect(complaints).toEqual([]);
});

test("page keeps the messages of an open session that is deleted, and says that it was", async () => {
  using workspace = new Workspace();
  using archive = new ForeignArchive(workspace.path("agentsview", "sessions.db")).add("one");
  await using reading = await open(browser, workspace, { args: ["--db", archive.path], at: "/#one" });
  const { page, complaints } = reading;
  await message(page, "hello").waitFor();
  await live(page);

  archive.db.exec("UPDATE sessions SET deleted_at = '2026-01-02T00:00:00Z'");

  await page.getByText("This session was deleted.").waitFor();
  await row(page, "hello").waitFor({ state: "detached" });
  expect(await message(page, "hello").isVisible()).toBe(true);
  archive.db.exec("UPDATE sessions SET deleted_at = NULL");
  await row(page, "hello").waitFor();
  await page.getByText("This session was deleted.").waitFor({ state: "hidden" });
  expect(apartFromTheNetwork(complaints)).toEqual([]);
});

test("page reports a session in its URL that does not exist", async () => {
  using workspace = new Workspace();
  await using reading = await open(browser, workspace, { at: "/#no%20such" });
  const { page, complaints } = reading;

  await page.getByText("session not found: no such").waitFor();

  expect(apartFromTheNetwork(complaints)).toEqual([]);
});

test("page opens a long session at its end, and shows when there is more below", async () => {
  using workspace = new Workspace();
  const transcript = new ClaudeTranscript(workspace.claude).user("Count");
  for (let step = 1; step < 60; step += 1) transcript.assistant(`Step ${step}`);
  await sync(workspace);
  await using reading = await open(browser, workspace, { at: `/#${transcript.id}` });
  const { page, complaints } = reading;
  const below = page.getByRole("button", { name: "New messages below" });
  await page.getByText("Only the latest 50 messages are shown.").waitFor();
  await row(page, "60 messages").waitFor();
  await live(page);
  await until(
    async () => (await toEnd(page)) < 1,
    () => "the end of the messages",
  );

  await page.getByRole("region", { name: "Messages" }).evaluate((scroller) => scroller.scrollTo(0, 0));
  transcript.assistant("Step 60");

  await below.click();
  await below.waitFor({ state: "hidden" });
  await message(page, "Step 60").waitFor();
  expect(await toEnd(page)).toBeLessThan(1);
  expect(complaints).toEqual([]);
});

test("page works behind a path prefix", async () => {
  using workspace = new Workspace();
  const transcript = new ClaudeTranscript(workspace.claude).user("Through a proxy");
  await using reading = await open(browser, workspace);
  const { page, complaints, url } = reading;
  await using proxy = Bun.serve({
    port: 0,
    idleTimeout: 0,
    routes: {
      "/some/prefix/*": (request) => {
        const { pathname, search } = new URL(request.url);
        return fetch(`${url}${pathname.slice("/some/prefix".length)}${search}`, {
          signal: request.signal,
          decompress: false,
        });
      },
    },
    fetch: () => new Response("outside of the prefix", { status: 404 }),
  });
  await page.goto(`${proxy.url}some/prefix/#${transcript.id}`);
  await message(page, "Through a proxy").waitFor();
  await live(page);

  transcript.assistant("And back");

  await message(page, "And back").waitFor();
  expect(complaints).toEqual([]);
});

test("page shows a phone the list or the session, and never scrolls sideways", async () => {
  using workspace = new Workspace();
  new ClaudeTranscript(workspace.claude).user(`Long ${"x".repeat(500)}`);
  await using reading = await open(browser, workspace, { view: PHONE });
  const { page, complaints } = reading;

  await row(page, "Long").click();

  await message(page, "Long").waitFor();
  expect(await page.getByRole("navigation").isVisible()).toBe(false);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(PHONE.viewport.width);
  await page.getByRole("link", { name: "All sessions" }).click();
  await row(page, "Long").waitFor();
  expect(await page.evaluate(() => document.activeElement?.closest("nav") !== null)).toBe(true);
  expect(complaints).toEqual([]);
});

/** Distance (px) to the end of the messages. */
function toEnd(page: Page): Promise<number> {
  return page
    .getByRole("region", { name: "Messages" })
    .evaluate(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight);
}

/** Brings the archive up to date, so that a server's first answer has everything. */
async function sync(workspace: Workspace): Promise<void> {
  await using program = new Program(BINARY, ["sync"], workspace.env);
  expect(await program.exit()).toBe(0);
}
