/** Transcripts are hostile text: how the page shows it, and what its policy stops. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { ForeignArchive } from "../support/archives.ts";
import { launchBrowser } from "../support/browser.ts";
import { ClaudeTranscript } from "../support/claude.ts";
import { live, message, open, row } from "../support/page.ts";
import { LANES, serve } from "../support/program.ts";
import { Workspace } from "../support/workspace.ts";

const FILES = join(import.meta.dir, "../../src/page/browser");
const MARKUP = `<img src=x onerror="alert(1)"><script>alert(2)</script>`;

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

test("page shows hostile messages as text, and runs none of them", async () => {
  using workspace = new Workspace();
  const transcript = new ClaudeTranscript(workspace.claude).user(`${MARKUP}\u202Egpj.exe`);
  const tool = { type: "tool_use", id: "toolu_1", name: MARKUP, input: {} };
  transcript.append(transcript.assistantRecord([{ type: "text", text: `${MARKUP}\n${MARKUP}` }, tool], "m"));
  await using reading = await open(browser, workspace);
  const { page, complaints } = reading;

  await row(page, "onerror").click();

  await message(page, `${MARKUP}\n${MARKUP}`).waitFor();
  // Characters that reverse the reading direction are spelled out.
  await message(page, `${MARKUP}[U+202e]gpj.exe`).waitFor();
  expect(await page.locator("#messages .tools").allTextContents()).toContain(MARKUP);
  expect(await page.locator("img, script:not([type=module])").count()).toBe(0);
  expect(complaints).toEqual([]);
});

test("page follows a session with a hostile id", async () => {
  using workspace = new Workspace();
  const id = `x:${MARKUP}/../%2F?a=b#c&d\n\u202E\u{1F600}`;
  using archive = new ForeignArchive(workspace.path("agentsview", "sessions.db")).add(id);
  await using reading = await open(browser, workspace, { args: ["--db", archive.path] });
  const { page, complaints } = reading;
  await row(page, "hello").click();
  await message(page, "hello").waitFor();
  await live(page);

  archive.touch(id);

  await row(page, "2 messages").waitFor();
  expect(await page.locator("img, script:not([type=module])").count()).toBe(0);
  expect(complaints).toEqual([]);
});

test("page truncates a line of megabytes, and does not get wider", async () => {
  using workspace = new Workspace();
  const transcript = new ClaudeTranscript(workspace.claude).user("x".repeat(3_000_000));
  await using reading = await open(browser, workspace, { at: `/#${transcript.id}` });
  const { page, complaints } = reading;

  await message(page, "… and 2,980,000 more characters").waitFor();

  expect(await page.evaluate(() => document.documentElement.scrollWidth === innerWidth)).toBe(true);
  expect(complaints).toEqual([]);
});

/** What injected markup would try. */
const ATTEMPTS: [what: string, attempt: () => void, violated: string][] = [
  ["an inline style", () => document.body.setAttribute("style", "color: red"), "style-src-attr"],
  ["an image from another host", () => void (new Image().src = "https://example.org/x.png"), "img-src"],
  [
    "a request to another host",
    () => void fetch("https://example.org/").catch(() => undefined),
    "connect-src",
  ],
  [
    "another base URL",
    () => {
      const base = document.createElement("base");
      base.href = "https://example.org/";
      document.head.append(base);
    },
    "base-uri",
  ],
];

test.each(ATTEMPTS)("page's policy stops %s", async (_what, attempt, violated) => {
  using workspace = new Workspace();
  await using reading = await open(browser, workspace);
  const { page } = reading;
  const violation = page.waitForEvent("console", (message) =>
    message.text().startsWith(`policy violated: ${violated} `),
  );

  await page.evaluate(attempt);

  await violation;
});

/** Ways to run text as code. */
const SINKS: [what: string, attempt: (text: string) => void][] = [
  ["markup", (text) => void (document.body.innerHTML = text)],
  ["a handler", (text) => document.body.setAttribute("onclick", text)],
  ["a script", (text) => void (document.createElement("script").text = text)],
  ["the address of a script", (text) => void (document.createElement("script").src = text)],
];

test.each(SINKS)("page's policy stops text from becoming %s", async (_what, attempt) => {
  using workspace = new Workspace();
  await using reading = await open(browser, workspace);

  const evaluated = reading.page.evaluate(attempt, "https://example.org/");

  await expect(evaluated).rejects.toThrow("Trusted");
});

describe.each(LANES)("on $name", (lane) => {
  test("page is never stored, its files are revalidated, and nothing else may run", async () => {
    using workspace = new Workspace();
    const { program, url } = await serve(lane, workspace.env);
    await using _ = program;

    const { status, headers } = await fetch(url);

    expect([status, headers.get("content-type"), headers.get("cache-control")]).toEqual([
      200,
      "text/html; charset=UTF-8",
      "no-store",
    ]);
    const policy = headers.get("content-security-policy")?.split("; ") ?? [];
    expect(policy).toEqual([
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self'",
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ]);
  });

  test("page serves every file of its folder, and answers 304 for a current copy", async () => {
    using workspace = new Workspace();
    const { program, url } = await serve(lane, workspace.env);
    await using _ = program;
    const names = readdirSync(FILES).filter((name) => !/\.(html|json)$/.test(name));

    const answers = await Promise.all(names.map((name) => fetch(`${url}/page/${name}`)));

    expect(answers.map(({ status }) => status)).toEqual(names.map(() => 200));
    const again = await Promise.all(
      answers.map(({ url, headers }) =>
        fetch(url, { headers: { "if-none-match": headers.get("etag") ?? "" } }),
      ),
    );
    expect(again.map(({ status, headers }) => [status, headers.get("cache-control")])).toEqual(
      names.map(() => [304, "no-cache"]),
    );
  });
});
