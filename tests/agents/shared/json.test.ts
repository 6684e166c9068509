import { expect, test } from "bun:test";
import { asCount, asName, asTime, jsonTextOf } from "../../../src/agents/shared/json.ts";

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

test("asCount() takes no number that an archive cannot add up", () => {
  expect([0, 7.9, 1e10].map(asCount)).toEqual([0, 7, 1e10]);
  expect([-0, -0.5].map(asCount)).toEqual([0, null]);
  expect(Object.is(asCount(-0), 0)).toBe(true);
  const absurd = [-1, 1e11, 2 ** 53, 1e308, Infinity, Number.NaN, "7", null];
  expect(absurd.map(asCount)).toEqual(absurd.map(() => null));
});

test("asTime() takes no text that only some runtimes take for a time, and no absurd one", () => {
  const time = "2026-01-02T03:04:05.678Z";
  expect([time, "2026-01-02T04:04:05.678+01:00", "2026-01-02 03:04:05.678Z"].map(asTime)).toEqual(
    Array(3).fill(time),
  );
  const absurd = ["2", "", "now", "Jan 1 2026", "2026", "1969-12-31T23:59:59Z", "+275760-09-13T00:00:00Z", 1];
  expect(absurd.map(asTime)).toEqual(absurd.map(() => null));
});

test("asName() takes what is longer than any name for none", () => {
  expect([asName("x".repeat(4096)), asName("x".repeat(4097)), asName("")]).toEqual([
    "x".repeat(4096),
    null,
    null,
  ]);
});

function nested(depth: number): unknown {
  let value: unknown[] = [];
  for (let level = 1; level < depth; level += 1) value = [value];
  return value;
}
