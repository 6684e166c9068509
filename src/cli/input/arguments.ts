/** Parses arguments as people write them: durations, numbers, URLs. Each error says what would be right. */

import { InvalidArgumentError } from "commander";
import { isMachineName, MACHINE_NAME_RULE } from "../../app/machine-name.ts";

const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
/** The longest wait (ms) of a timer: about 24 days. */
const MAX_MS = 2 ** 31 - 1;

/** `500ms`, `5s`, `2m`, `1h`. @returns ms. @throws InvalidArgumentError; commander adds the option's name. */
export function parseDuration(text: string): number {
  const [, amount = "", unit = ""] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const ms = Math.round(Number(amount) * (UNIT_MS[unit] ?? Number.NaN));
  if (amount !== "" && ms >= 1 && ms <= MAX_MS) return ms;
  throw new InvalidArgumentError("Use a duration such as 500ms, 5s, 2m or 1h.");
}

/** @returns a parser of whole numbers from `min` to `max`. */
export function parseWhole(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Use a whole number from ${min} to ${max}.`);
  };
}

/** An HTTP URL without a password. @throws InvalidArgumentError */
export function parseHttpUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && isHttp(url) && url.username === "" && url.password === "") return url;
  throw new InvalidArgumentError("Use a URL such as https://watch.example.");
}

/** @throws InvalidArgumentError */
export function parseMachineName(text: string): string {
  if (isMachineName(text)) return text;
  throw new InvalidArgumentError(`Use ${MACHINE_NAME_RULE}.`);
}

/**
 * One value of a repeatable option: an origin, or `*`.
 *
 * @returns the previous values and this one.
 * @throws InvalidArgumentError
 */
export function collectOrigin(text: string, previous: readonly string[]): string[] {
  const url = URL.canParse(text) ? new URL(text) : null;
  // Browsers send an origin in exactly this form, and the server compares text.
  if (text === "*" || (url !== null && isHttp(url) && url.origin === text)) return [...previous, text];
  const better = url !== null && isHttp(url) ? url.origin : "https://app.example";
  throw new InvalidArgumentError(`Use an origin such as ${better}, or *.`);
}

function isHttp({ protocol }: URL): boolean {
  return protocol === "http:" || protocol === "https:";
}
