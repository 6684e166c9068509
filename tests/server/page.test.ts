/** The page as its reader meets it: a real browser on the compiled binary. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { renameSync } from "node:fs";
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { ForeignArchive } from "../support/archives.ts";
import { launchBrowser, visit } from "../support/browser.ts";
import { ClaudeTranscript } from "../support/claude.ts";
import { BINARY, Program, serve } from "../support/program.ts";
import { Workspace } from "../support/workspace.ts";

const PHONE = { viewport: { width: 360, height: 740 } };
/** Keeps every stream that the page opens, and how many were open at most. */
const COUNT_STREAMS = `
  const streams = [];
  globalThis.mostStreams = 0;
  globalThis.openStreams = () => streams.filter(({ readyState }) => readyState !== EventSource.CLOSED);
  globalThis.EventSource = class extends EventSource {
    constructor(url) {
      super(url);
      streams.push(this);
      mostStreams = Math.max(mostStreams, openStreams().length);
    }
  };`;
const MARKUP = `<img src=x onerror="alert(1)"><script>alert(2)</script>`;

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

test("page says what to do while there is no session, and shows the first one by itself", async () => {
  using workspace = new Workspace();
  await using reading = await open(workspace);
  const { page, complaints } = reading;
  await page.getByText("Start a coding agent such as Claude Code").waitFor();
  await live(page);

  new ClaudeTranscript(workspace.claude).user("The very first prompt");

  await row(page, "The very first prompt").waitFor();
  expect(await page.getByText("No sessions yet").isVisible()).toBe(false);
  expect(complaints).toEqual([]);
});

test("page lists the sessions, the newest first", async () => {
  using workspace = new Workspace();
  new ClaudeTranscript(workspace.claude).user("An older one");
  new ClaudeTranscript(workspace.claude).user("A newer one").assistant("With an answer");
  await sync(workspace);
  await using reading = await open(workspace);
  const { page, complaints } = reading;
  await row(page, "An older one").waitFor();

  const titles = await page.locator("nav .title").allTextContents();

  expect(titles).toEqual(["A newer one", "An older one"]);
  expect(await row(page, "A newer one").textContent()).toContain("demo_app · claude · 2 messages");
  expect(complaints).toEqual([]);
});

test("page shows an appended line in the row and in the open messages without a reload", async () => {
  using workspace = new Workspace();
  const transcript = new ClaudeTranscript(workspace.claude).user("Make it faster");
  await sync(workspace);
  await using reading = await open(workspace);
  const { page, complaints } = reading;
  // Without the regular look at the list, only a stream can bring the change.
  await page.addInitScript("globalThis.setInterval = () => 0");
  await page.reload();
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
  await using reading = await open(workspace);
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

test("page shows hostile messages as text and runs nothing of them", async () => {
  using workspace = new Workspace();
  const transcript = new ClaudeTranscript(workspace.claude).user(`${MARKUP}\u202Egpj.exe`);
  const tool = { type: "tool_use", id: "toolu_1", name: MARKUP, input: {} };
  transcript.append(transcript.assistantRecord([{ type: "text", text: `${MARKUP}\n${MARKUP}` }, tool], "m"));
  await using reading = await open(workspace);
  const { page, complaints } = reading;

  await row(page, "onerror").click();

  await message(page, `${MARKUP}\n${MARKUP}`).waitFor();
  // What turns the reading direction around is spelled out.
  await message(page, `${MARKUP}[U+202e]gpj.exe`).waitFor();
  expect(await page.locator("#messages .tools").allTextContents()).toContain(MARKUP);
  expect(await page.locator("img, script:not([type=module])").count()).toBe(0);
  expect(complaints).toEqual([]);
});

test("page follows a session with a hostile id", async () => {
  using workspace = new Workspace();
  const id = `x:${MARKUP}/../%2F?a=b#c&d\n\u202E\u{1F600}`;
  using archive = new ForeignArchive(workspace.path("agentsview", "sessions.db")).add(id);
  await using reading = await open(workspace, { args: ["--db", archive.path] });
  const { page, complaints } = reading;
  await row(page, "hello").click();
  await message(page, "hello").waitFor();
  await live(page);

  archive.touch(id);

  await row(page, "2 messages").waitFor();
  expect(await page.locator("img, script:not([type=module])").count()).toBe(0);
  expect(complaints).toEqual([]);
});

test("page says that it reconnects while the server is away, and catches up when it is back", async () => {
  using workspace = new Workspace();
  const transcript = new ClaudeTranscript(workspace.claude).user("Stay with me");
  await using reading = await open(workspace);
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
  await using reading = await open(workspace, { args: ["--db", archive.path] });
  const { page, complaints } = reading;
  await row(page, "hello").waitFor();
  await live(page);

  renameSync(archive.path, `${archive.path}.away`);

  await status(page, `Cannot read archive "${archive.path}": it does not exist`);
  renameSync(`${archive.path}.away`, archive.path);
  await live(page);
  expect(apartFromTheNetwork(complaints)).toEqual([]);
});

test("page keeps the messages of an open session that is deleted, and says so", async () => {
  using workspace = new Workspace();
  using archive = new ForeignArchive(workspace.path("agentsview", "sessions.db")).add("one");
  await using reading = await open(workspace, { args: ["--db", archive.path], at: "/#one" });
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

test("page says so when its address names a session that does not exist", async () => {
  using workspace = new Workspace();
  await using reading = await open(workspace, { at: "/#no%20such" });
  const { page, complaints } = reading;

  await page.getByText("session not found: no such").waitFor();

  expect(apartFromTheNetwork(complaints)).toEqual([]);
});

test("page never holds more than four streams, and follows the selected session on one of them", async () => {
  using workspace = new Workspace();
  using archive = new ForeignArchive(workspace.path("agentsview", "sessions.db"));
  for (const id of ["a", "b", "c", "d", "e", "f"]) archive.add(id);
  await using reading = await open(workspace, { args: ["--db", archive.path] });
  const { page, complaints } = reading;
  await page.addInitScript(COUNT_STREAMS);
  await page.reload();
  await live(page);

  const link = page.locator("nav li a").nth(5);
  await link.click();

  const id = (await link.getAttribute("href"))?.slice(1);
  await page.waitForFunction(`openStreams().some(({ url }) => url.includes("/sessions/${id}/watch"))`);
  await live(page);
  expect(await page.evaluate("[openStreams().length, mostStreams]")).toEqual([4, 4]);
  expect(complaints).toEqual([]);
});

test("page holds no stream while its tab is hidden, and catches up when it is seen again", async () => {
  using workspace = new Workspace();
  using archive = new ForeignArchive(workspace.path("agentsview", "sessions.db")).add("one");
  await using reading = await open(workspace, { args: ["--db", archive.path] });
  const { page, complaints } = reading;
  await page.addInitScript(COUNT_STREAMS);
  await page.reload();
  await row(page, "hello").click();
  await live(page);

  await page.evaluate(setHidden, true);

  expect(await page.evaluate("openStreams().length")).toBe(0);
  archive.touch("one");
  await row(page, "2 messages").getByText("new", { exact: true }).waitFor();
  await page.evaluate(setHidden, false);
  await row(page, "2 messages").getByText("new", { exact: true }).waitFor({ state: "hidden" });
  expect(await page.evaluate("openStreams().length")).toBe(1);
  await live(page);
  expect(complaints).toEqual([]);
});

test("page works behind a path prefix", async () => {
  using workspace = new Workspace();
  const transcript = new ClaudeTranscript(workspace.claude).user("Through a proxy");
  await using reading = await open(workspace);
  const { page, complaints, url } = reading;
  await using proxy = Bun.serve({
    port: 0,
    idleTimeout: 0,
    routes: {
      "/some/prefix/*": (request) => {
        const { pathname, search } = new URL(request.url);
        return fetch(`${url}${pathname.slice("/some/prefix".length)}${search}`, { signal: request.signal });
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

test("page gives a phone the list or the session, never a line that is too wide", async () => {
  using workspace = new Workspace();
  new ClaudeTranscript(workspace.claude).user(`Long ${"x".repeat(500)}`);
  await using reading = await open(workspace, { view: PHONE });
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

interface Reading extends AsyncDisposable {
  page: Page;
  complaints: string[];
  program: Program;
  url: string;
}

interface OpenOptions {
  args?: string[];
  /** What comes after the server's address. @default "" */
  at?: string;
  view?: BrowserContextOptions;
}

/** Starts a server and opens its page. */
async function open(workspace: Workspace, options: OpenOptions = {}): Promise<Reading> {
  const { args = [], at = "", view = {} } = options;
  await using started = new AsyncDisposableStack();
  const { program, url } = await serve(BINARY, workspace.env, args);
  started.use(program);
  const { page, complaints } = await visit(browser, `${url}${at}`, view);
  started.use(page);
  const resources = started.move();
  return { page, complaints, program, url, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

/** Brings the archive up to date, so that a server's first answer has everything. */
async function sync(workspace: Workspace): Promise<void> {
  await using program = new Program(BINARY, ["sync"], workspace.env);
  expect(await program.exit()).toBe(0);
}

/** Runs in the page: a headless browser hides no tab by itself. */
function setHidden(hidden: boolean): void {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}

function row(page: Page, text: string): Locator {
  return page.getByRole("navigation").getByRole("link").filter({ hasText: text });
}

function message(page: Page, content: string): Locator {
  return page.locator("#messages .content").filter({ hasText: content });
}

async function live(page: Page): Promise<void> {
  await status(page, "Live");
}

async function status(page: Page, text: string): Promise<void> {
  await page.getByRole("status").filter({ hasText: text }).waitFor();
}

/** A browser reports every answer that is an error and every refused connection; no page can prevent it. */
function apartFromTheNetwork(complaints: readonly string[]): string[] {
  return complaints.filter((text) => !text.startsWith("Failed to load resource"));
}
