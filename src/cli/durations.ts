/** Durations as people write them: `500ms`, `5s`, `2m`, `1h`. */

import { InvalidArgumentError } from "commander";

const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
/** What a timer can wait (ms): about 24 days. */
const MAX_MS = 2 ** 31 - 1;

/** @returns ms. @throws InvalidArgumentError, which names the option itself. */
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
