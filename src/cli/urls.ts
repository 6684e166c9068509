/** Addresses of the web as arguments. */

import { InvalidArgumentError } from "commander";

/** @throws InvalidArgumentError, which names the option itself. */
export function parseHttpUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && isHttp(url) && url.username === "" && url.password === "") return url;
  throw new InvalidArgumentError("Use a URL such as https://watch.example.");
}

/**
 * Of an option that may be repeated.
 *
 * @throws InvalidArgumentError, which names the option itself.
 */
export function collectOrigin(text: string, previous: readonly string[]): string[] {
  const url = URL.canParse(text) ? new URL(text) : null;
  // Browsers send an origin exactly so, and it is compared as text.
  if (text === "*" || (url !== null && isHttp(url) && url.origin === text)) return [...previous, text];
  const better = url !== null && isHttp(url) ? url.origin : "https://app.example";
  throw new InvalidArgumentError(`Use an origin such as ${better}, or *.`);
}

function isHttp({ protocol }: URL): boolean {
  return protocol === "http:" || protocol === "https:";
}
