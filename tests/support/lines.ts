/** Lines as they may stand in transcripts: records, whole or damaged, and how they end. */

import fc from "fast-check";
import { damagedLines } from "./damage.ts";

export const texts: fc.Arbitrary<string> = fc.constantFrom(
  "a",
  "b",
  "two\nlines",
  "\u2028",
  "😀é",
  "\0",
  "\ud800",
  "",
  "x".repeat(500),
);

/** Few ids, so that what belongs together meets often. */
export function oneOf(prefix: string): fc.Arbitrary<string> {
  return fc.constantFrom("1", "2").map((id) => `${prefix}${id}`);
}

/** Times that come in any order, some of them close to each other. */
export const times: fc.Arbitrary<string> = fc
  .oneof(fc.nat(200), fc.nat(3_600_000))
  .map((ms) => new Date(Date.UTC(2026, 0, 1) + ms).toISOString());

export function linesWith(records: fc.Arbitrary<object>): fc.Arbitrary<Buffer> {
  const whole = records.map((record) => JSON.stringify(record));
  const content = fc.oneof({ weight: 8, arbitrary: whole }, damagedLines(whole));
  const ending = fc.oneof({ weight: 8, arbitrary: fc.constant("\n") }, fc.constantFrom("\r\n", "", "\r"));
  const invalid = fc.oneof({ weight: 12, arbitrary: fc.constant([]) }, fc.constant([0xff, 0xe2, 0x82]));
  return fc
    .tuple(content, ending, invalid)
    .map(([text, ending, invalid]) => Buffer.concat([Buffer.from(invalid), Buffer.from(text + ending)]));
}

/** @returns as many bytes, with another time in each record. */
export function retouched(bytes: Buffer): Buffer {
  const [before, after] = bytes.includes('"2026-') ? ['"2026-', '"2027-'] : ['"2027-', '"2026-'];
  return Buffer.from(bytes.toString("latin1").replaceAll(before, after), "latin1");
}
