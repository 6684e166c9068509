/** The page of a server that needs a token. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { launchBrowser, visit } from "../support/browser.ts";
import { ClaudeTranscript } from "../support/claude.ts";
import { apartFromTheNetwork, live, message, open, row, status } from "../support/page.ts";
import type { Reading } from "../support/page.ts";
import { Workspace } from "../support/workspace.ts";

const TOKEN = "s3cret+/&=";

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

test("page asks for the token, and shows the sessions when it is right", async () => {
  using workspace = new Workspace();
  const transcript = new ClaudeTranscript(workspace.claude).user("Between us");
  await using reading = await open(browser, workspace);
  using guarded = guard(reading);
  const { page, complaints } = reading;
  await page.goto(guarded.url);
  const field = page.getByLabel("Token");
  await field.waitFor();
  expect(await isFocused(page)).toBe(true);
  expect(await page.getByRole("navigation").isVisible()).toBe(false);

  await field.fill("wrong");
  await field.press("Enter");

  await page.getByRole("alert").filter({ hasText: "does not accept this token" }).waitFor();
  expect(await isFocused(page)).toBe(true);
  await field.fill(` ${TOKEN}\n`);
  await page.getByRole("button", { name: "Show the sessions" }).click();
  await row(page, "Between us").waitFor();
  expect(await page.getByRole("navigation").evaluate((nav) => nav.contains(document.activeElement))).toBe(
    true,
  );
  await live(page);
  transcript.assistant("Nobody else hears it");
  await row(page, "2 messages").press("Enter");
  await message(page, "Nobody else hears it").waitFor();
  expect(page.url()).toBe(`${guarded.url}#${transcript.id}`);
  expect(apartFromTheNetwork(complaints)).toEqual([]);
});

test("page keeps the token for its own tab, across a reload", async () => {
  using workspace = new Workspace();
  new ClaudeTranscript(workspace.claude).user("Between us");
  await using reading = await open(browser, workspace);
  using guarded = guard(reading);
  const { page } = reading;
  await page.goto(guarded.url);
  await page.getByLabel("Token").fill(TOKEN);
  await page.getByLabel("Token").press("Enter");
  await live(page);

  await page.reload();

  await live(page);
  const other = await visit(page.context(), guarded.url);
  await other.page.getByLabel("Token").waitFor();
  expect(await page.context().cookies()).toEqual([]);
  expect(await page.evaluate(() => localStorage.length)).toBe(0);
});

test("page asks again when the server has another token, also with a session open", async () => {
  using workspace = new Workspace();
  const transcript = new ClaudeTranscript(workspace.claude).user("Between us");
  await using reading = await open(browser, workspace);
  using guarded = guard(reading);
  const { page, complaints } = reading;
  await page.goto(`${guarded.url}#${transcript.id}`);
  await page.getByLabel("Token").fill(TOKEN);
  await page.getByLabel("Token").press("Enter");
  await message(page, "Between us").waitFor();
  await live(page);

  guarded.token = "another";
  transcript.assistant("Not for everybody");

  await status(page, "Token needed");
  await page.getByRole("alert").filter({ hasText: "does not accept this token" }).waitFor();
  expect(await message(page, "Between us").isVisible()).toBe(false);
  await page.getByLabel("Token").fill("another");
  await page.getByLabel("Token").press("Enter");
  await message(page, "Not for everybody").waitFor();
  await live(page);
  expect(apartFromTheNetwork(complaints)).toEqual([]);
});

test("page refuses text that cannot be a token without asking the server", async () => {
  using workspace = new Workspace();
  await using reading = await open(browser, workspace);
  using guarded = guard(reading);
  const { page, complaints } = reading;
  await page.goto(guarded.url);

  await page.getByLabel("Token").fill("pass phrase \u{1F600}");
  await page.getByLabel("Token").press("Enter");

  await page.getByRole("alert").filter({ hasText: "does not accept this token" }).waitFor();
  expect(apartFromTheNetwork(complaints)).toEqual([]);
});

/** A proxy that requires a token, in the header or in the URL of a stream, before a server that has none. */
function guard({ url }: Reading): Disposable & { url: string; token: string } {
  const server = Bun.serve({
    port: 0,
    idleTimeout: 0,
    fetch(request) {
      const { pathname, searchParams, search } = new URL(request.url);
      const isStream = pathname.endsWith("/watch");
      const given =
        request.headers.get("authorization") ?? `Bearer ${isStream ? searchParams.get("token") : null}`;
      if (pathname.startsWith("/api/") && given !== `Bearer ${guarded.token}`)
        return Response.json({ error: "a token is needed" }, { status: 401 });
      return fetch(`${url}${pathname}${search}`, { signal: request.signal, decompress: false });
    },
  });
  const guarded = {
    url: server.url.href,
    token: TOKEN,
    [Symbol.dispose]: () => void server.stop(true),
  };
  return guarded;
}

function isFocused(page: Reading["page"]): Promise<boolean> {
  return page.getByLabel("Token").evaluate((field) => field === document.activeElement);
}
