/** The page of a server, in a real browser. */

import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { visit } from "./browser.ts";
import { BINARY, serve } from "./program.ts";
import type { Program } from "./program.ts";
import type { Workspace } from "./workspace.ts";

/** Runs in the page before its own script: records every stream that it opens, and the largest number open at once. */
export const COUNT_STREAMS = `
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
/** Runs in the page before its own script: turns off intervals, so only a stream can bring a change. */
export const NO_INTERVALS = "globalThis.setInterval = () => 0;";

export interface Reading extends AsyncDisposable {
  page: Page;
  complaints: string[];
  program: Program;
  url: string;
}

export interface OpenOptions {
  args?: string[];
  /** The path after the server's address. @default "" */
  at?: string;
  view?: BrowserContextOptions;
  /** Runs in the page before its own script. @default "" */
  before?: string;
}

/** Starts a server and opens its page. */
export async function open(
  browser: Browser,
  workspace: Workspace,
  options: OpenOptions = {},
): Promise<Reading> {
  const { args = [], at = "", view = {}, before = "" } = options;
  await using started = new AsyncDisposableStack();
  const { program, url } = await serve(BINARY, workspace.env, args);
  started.use(program);
  const context = started.use(await browser.newContext(view));
  const { page, complaints } = await visit(context, `${url}${at}`, before);
  const resources = started.move();
  return { page, complaints, program, url, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

/** Runs in the page: a headless browser never hides a tab. */
export function setHidden(hidden: boolean): void {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}

export function row(page: Page, text: string): Locator {
  return page.getByRole("navigation").getByRole("link").filter({ hasText: text });
}

export function message(page: Page, content: string): Locator {
  return page.locator("#messages .content").filter({ hasText: content });
}

export async function live(page: Page): Promise<void> {
  await status(page, "Live");
}

export async function status(page: Page, text: string): Promise<void> {
  await page.getByRole("status").filter({ hasText: text }).waitFor();
}

/** A browser reports every error status and refused connection, whatever the page does. */
export function apartFromTheNetwork(complaints: readonly string[]): string[] {
  return complaints.filter((text) => !text.startsWith("Failed to load resource"));
}
