/** The stream of the page: one for all sessions and all tabs, through every failure. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { renameSync } from "node:fs";
import type { Browser } from "playwright-core";
import { ForeignArchive } from "../support/archives.ts";
import { launchBrowser, visit } from "../support/browser.ts";
import { ClaudeTranscript } from "../support/claude.ts";
import {
  apartFromTheNetwork,
  COUNT_STREAMS,
  live,
  message,
  NO_INTERVALS,
  open,
  row,
  setHidden,
  status,
} from "../support/page.ts";
import { BINARY, serve, until } from "../support/program.ts";
import { Workspace } from "../support/workspace.ts";

/** Reasons for missing locks, and scripts that cause each before the page runs. */
const WITHOUT_LOCKS = [
  ["has none", `Object.defineProperty(Navigator.prototype, "locks", { value: undefined });`],
  [
    "refuses them",
    `LockManager.prototype.request = () => Promise.reject(new DOMException("", "SecurityError"));`,
  ],
] as const;
const ALL = "/api/v1/watch?all=true";

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

test("page follows all sessions on one stream, also those that start later", async () => {
  using workspace = new Workspace();
  using archive = new ForeignArchive(workspace.path("agentsview", "sessions.db"));
  for (const id of ["a", "b", "c", "d", "e", "f"]) archive.add(id);
  await using reading = await open(browser, workspace, {
    args: ["--db", archive.path],
    before: COUNT_STREAMS + NO_INTERVALS,
  });
  const { page, complaints, url } = reading;
  await live(page);

  archive.add("later", "quite new");

  await row(page, "quite new").getByText("new", { exact: true }).waitFor();
  archive.touch("f");
  await row(page, "2 messages").waitFor();
  expect(await page.evaluate("[openStreams().map(({ url }) => url), mostStreams]")).toEqual([
    [`${url}${ALL}`],
    1,
  ]);
  expect(complaints).toEqual([]);
});

test("ten visible tabs share one stream, and go on when the reading tab is closed", async () => {
  using workspace = new Workspace();
  using archive = new ForeignArchive(workspace.path("agentsview", "sessions.db")).add("one");
  const before = COUNT_STREAMS + NO_INTERVALS;
  await using reading = await open(browser, workspace, { args: ["--db", archive.path], before });
  const { page, url } = reading;
  await live(page);
  const others = await Promise.all(Array.from({ length: 9 }, () => visit(page.context(), url, before)));
  await Promise.all(others.map(({ page }) => live(page)));

  archive.touch("one");

  const tabs = [page, ...others.map(({ page }) => page)];
  await Promise.all(tabs.map((tab) => row(tab, "2 messages").waitFor()));
  expect(await Promise.all(tabs.map((tab) => tab.evaluate("openStreams().length")))).toEqual([
    1,
    ...others.map(() => 0),
  ]);
  await page.close();
  archive.touch("one");
  await Promise.all(others.map(({ page }) => row(page, "3 messages").waitFor()));
  expect(others.flatMap(({ complaints }) => complaints)).toEqual([]);
});

test.each(WITHOUT_LOCKS)(
  "tabs each read a stream of their own where the browser's lock manager %s",
  async (_why, script) => {
    using workspace = new Workspace();
    using archive = new ForeignArchive(workspace.path("agentsview", "sessions.db")).add("one");
    const before = COUNT_STREAMS + NO_INTERVALS + script;
    await using reading = await open(browser, workspace, { args: ["--db", archive.path], before });
    const { page, url } = reading;
    const other = await visit(page.context(), url, before);
    const tabs = [page, other.page];
    await Promise.all(tabs.map(live));

    archive.touch("one");

    await Promise.all(tabs.map((tab) => row(tab, "2 messages").waitFor()));
    expect(await Promise.all(tabs.map((tab) => tab.evaluate("openStreams().length")))).toEqual([1, 1]);
    expect([...reading.complaints, ...other.complaints]).toEqual([]);
  },
);

test("page has no stream while its tab is hidden, and catches up when it is visible again", async () => {
  using workspace = new Workspace();
  using archive = new ForeignArchive(workspace.path("agentsview", "sessions.db"))
    .add("one")
    .add("two", "other");
  await using reading = await open(browser, workspace, {
    args: ["--db", archive.path],
    before: COUNT_STREAMS,
  });
  const { page, complaints } = reading;
  await row(page, "demo").click();
  await message(page, "hello").waitFor();
  await live(page);

  await page.evaluate(setHidden, true);
  expect(await page.evaluate("openStreams().length")).toBe(0);
  archive.touch("one").touch("two");
  await page.evaluate(setHidden, false);

  await row(page, "other").getByText("new", { exact: true }).waitFor();
  // The person is reading the selected session.
  await row(page, "demo · claude · 2 messages").waitFor();
  expect(await page.title()).toBe("(1) sessionwatch");
  expect(await page.evaluate("openStreams().length")).toBe(1);
  await live(page);
  expect(complaints).toEqual([]);
});

test("page refreshes once a minute, so that times and a hidden tab's title stay current", async () => {
  using workspace = new Workspace();
  const transcript = new ClaudeTranscript(workspace.claude).user("Long ago");
  await using reading = await open(browser, workspace);
  const { page, complaints, url } = reading;
  await page.clock.install();
  await page.goto(url);
  await row(page, "Long ago").waitFor();
  await live(page);

  await page.evaluate(setHidden, true);
  transcript.assistant("Just now");
  const messages = async (): Promise<unknown> => {
    const { sessions } = (await (await fetch(`${url}/api/v1/sessions`)).json()) as {
      sessions: { message_count: number }[];
    };
    return sessions[0]?.message_count;
  };
  await until(
    async () => (await messages()) === 2,
    () => "the server to have read it",
  );
  await page.clock.fastForward("02:00");

  await page.waitForFunction(() => document.title === "(1) sessionwatch");
  expect(complaints).toEqual([]);
});

test("page says that it reconnects while the server is down, and catches up afterwards", async () => {
  using workspace = new Workspace();
  const transcript = new ClaudeTranscript(workspace.claude).user("Stay with me");
  await using reading = await open(browser, workspace);
  const { page, complaints, program, url } = reading;
  await row(page, "Stay with me").click();
  await message(page, "Stay with me").waitFor();
  await live(page);

  program.kill("SIGTERM");
  await status(page, "Reconnecting…");
  await program.exit();
  transcript.assistant("Said while nobody listened");
  await using _ = (await serve(BINARY, workspace.env, ["--port", new URL(url).port])).program;

  await live(page);
  await message(page, "Said while nobody listened").waitFor();
  transcript.assistant("Said afterwards");
  await message(page, "Said afterwards").waitFor();
  expect(apartFromTheNetwork(complaints)).toEqual([]);
});

test("page says why the archive cannot be read, and recovers", async () => {
  using workspace = new Workspace();
  using archive = new ForeignArchive(workspace.path("agentsview", "sessions.db"), { journal: "delete" });
  archive.add("one");
  await using reading = await open(browser, workspace, { args: ["--db", archive.path] });
  const { page, complaints } = reading;
  await row(page, "hello").waitFor();
  await live(page);

  renameSync(archive.path, `${archive.path}.away`);

  await status(page, `Cannot read archive "${archive.path}": it does not exist`);
  renameSync(`${archive.path}.away`, archive.path);
  await live(page);
  expect(apartFromTheNetwork(complaints)).toEqual([]);
});

test("page retries after an answer on which a browser gives up", async () => {
  using workspace = new Workspace();
  const transcript = new ClaudeTranscript(workspace.claude).user("Patience");
  await using reading = await open(browser, workspace);
  const { page, complaints, url } = reading;
  let isBusy = true;
  await using proxy = Bun.serve({
    port: 0,
    idleTimeout: 0,
    fetch: (request) => {
      const { pathname, search } = new URL(request.url);
      if (isBusy && pathname.endsWith("/watch")) return new Response(null, { status: 503 });
      return fetch(`${url}${pathname}${search}`, { signal: request.signal, decompress: false });
    },
  });
  await page.goto(proxy.url.href);
  await status(page, "Reconnecting…");

  isBusy = false;

  await live(page);
  transcript.assistant("Rewarded");
  await row(page, "2 messages").waitFor();
  expect(apartFromTheNetwork(complaints)).toEqual([]);
});
