import { expect, test } from "bun:test";
import { jsonTextOf } from "../../src/agents/json.ts";

test("jsonTextOf() writes what is nested as deeply as anybody nests, and gives up at once on what is deeper", () => {
  expect(jsonTextOf(nested(1000))).toBe("[".repeat(1000) + "]".repeat(1000));
  const deep = nested(100_000);
  const startedMs = performance.now();
  for (let n = 0; n < 20; n += 1) expect(() => jsonTextOf(deep)).toThrow(RangeError);
  // JSON.stringify() alone takes more than a second for one of them.
  expect(performance.now() - startedMs).toBeLessThan(2000);
});

test("jsonTextOf() writes null for what is not there", () => {
  expect([jsonTextOf(null), jsonTextOf(undefined)]).toEqual(["null", "null"]);
});

function nested(depth: number): unknown {
  let value: unknown[] = [];
  for (let level = 1; level < depth; level += 1) value = [value];
  return value;
}
