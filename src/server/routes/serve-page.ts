/** The page and its files: what a browser may do with them, and how long it may keep them. */

import { etag } from "hono/etag";
import { route } from "../route.ts";
import type { Route } from "../route.ts";

/**
 * Transcripts are hostile text. The browser runs and draws only our own files: no inline script or style, nothing from other
 * hosts; and with Trusted Types, code that would turn a string into markup throws.
 */
const POLICY = [
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
].join("; ");

/** One file that a browser gets as it is. */
export interface PageFile {
  path: `/${string}`;
  type: string;
  text: string;
}

/** The page, and the files that it loads. */
export interface PageFiles {
  page: string;
  files: readonly PageFile[];
}

/** A browser may keep it, but revalidates it before each use, so an upgrade takes effect at once. */
const ASK_FIRST = { "cache-control": "no-cache" };

export function servePage({ page, files }: PageFiles): Route[] {
  return [pageRoute(page), ...files.map(fileRoute)];
}

function pageRoute(page: string): Route {
  // Never kept: where only the policy is new, a browser that revalidates its copy would keep the old policy.
  const headers = { "cache-control": "no-store", "content-security-policy": POLICY };
  return route({
    method: "GET",
    path: "/",
    policy: "open",
    id: "page",
    tag: "sessions",
    summary: "A page that shows sessions as they change",
    request: {},
    answers: { 200: { description: "The page.", content: { "text/html": { text: "HTML" } } } },
    handle: (_input, c) => c.html(page, 200, headers),
  });
}

/** The page asks for the token itself, so its files are open. Other programs have no use for them. */
function fileRoute({ path, type, text }: PageFile): Route {
  return route({
    method: "GET",
    path,
    policy: "open",
    id: path,
    tag: "sessions",
    summary: "A file of the page",
    isHidden: true,
    middleware: [etag()],
    request: {},
    answers: { 200: { description: "The file.", content: { [type]: { text: "A file of the page" } } } },
    handle: (_input, c) => c.body(text, 200, { ...ASK_FIRST, "content-type": type }),
  });
}
