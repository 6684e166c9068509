/** The page and its files: what a browser may do with them, and how long it may keep them. */

import { Hono } from "hono";
import { etag } from "hono/etag";

/**
 * Transcripts are hostile text. Nothing runs or is drawn but our own files: no inline script or style, nothing from
 * elsewhere; and with Trusted Types, whatever would turn a string into markup throws.
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
/** One file that a browser gets, as it is. */
export interface PageFile {
  path: string;
  type: string;
  text: string;
}

/** The page, and the files that it loads. */
export interface PageFiles {
  page: string;
  files: readonly PageFile[];
}

/** May be kept, but is used only after asking: nobody sees an old page after an upgrade. */
const ASK_FIRST = { "cache-control": "no-cache" };

export function pageRoutes({ page, files }: PageFiles): Hono {
  const routes = new Hono();
  const tagged = etag();

  // Not kept at all: where only the policy is new, a browser that asks whether its copy is still good keeps the old one.
  const headers = { "cache-control": "no-store", "content-security-policy": POLICY };
  routes.get("/", (c) => c.html(page, 200, headers));
  for (const { path, type, text } of files)
    routes.get(path, tagged, (c) => c.body(text, 200, { ...ASK_FIRST, "content-type": type }));
  return routes;
}
