/** Arguments as people write them: durations, numbers, addresses of the web. Each says what would be right. */

import { InvalidArgumentError } from "commander";
import { printable } from "../output/output.ts";

const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
/** What a timer can wait (ms): about 24 days. */
const MAX_MS = 2 ** 31 - 1;

/** `500ms`, `5s`, `2m`, `1h`. @returns ms. @throws InvalidArgumentError, which names the option itself. */
export function parseDuration(text: string): number {
  const [, amount = "", unit = ""] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const ms = Math.round(Number(amount) * (UNIT_MS[unit] ?? Number.NaN));
  if (amount !== "" && ms >= 1 && ms <= MAX_MS) return ms;
  throw new InvalidArgumentError("Use a duration such as 500ms, 5s, 2m or 1h.");
}

/** @returns a whole number from `min` to `max`. */
export function parseWhole(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Use a whole number from ${min} to ${max}.`);
  };
}

/** An address of the web, without a password. @throws InvalidArgumentError, which names the option itself. */
export function parseHttpUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && isHttp(url) && url.username === "" && url.password === "") return url;
  throw new InvalidArgumentError("Use a URL such as https://watch.example.");
}

/** What a machine may be called, in words. */
export const MACHINE_NAME = "a name of 1 to 100 characters, on one line";

/** @returns whether sessions can be listed under this name. */
export function isMachineName(text: string): boolean {
  return text.trim() !== "" && text.length <= 100 && printable(text) === text;
}

/** @throws InvalidArgumentError, which names the option itself. */
export function parseMachineName(text: string): string {
  if (isMachineName(text)) return text;
  throw new InvalidArgumentError(`Use ${MACHINE_NAME}.`);
}

/**
 * An origin, or `*`, of an option that may be repeated.
 *
 * @returns it behind those that came before.
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
