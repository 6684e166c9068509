import { expect, setSystemTime, test } from "bun:test";
import { systemClock } from "../../src/runtime/clock.ts";

test("systemClock tells fractions of a ms, and agrees with the wall clock", () => {
  const times = Array.from({ length: 1000 }, () => systemClock.now());
  expect(times.some((ms) => !Number.isInteger(ms))).toBe(true);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(10);
});

test("systemClock follows a wall clock that is set", () => {
  try {
    for (const year of [2040, 2020]) {
      const setMs = Date.UTC(year, 0, 1);
      setSystemTime(setMs);
      expect(Math.abs(systemClock.now() - setMs)).toBeLessThan(10);
    }
  } finally {
    setSystemTime();
  }
  expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(10);
});
