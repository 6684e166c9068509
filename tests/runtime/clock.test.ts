import { expect, setSystemTime, test } from "bun:test";
import { systemClock } from "../../src/runtime/clock.ts";

test("systemClock.now() has fractions of a ms, and never goes back", () => {
  const times = Array.from({ length: 1000 }, () => systemClock.now());
  expect(times.some((ms) => !Number.isInteger(ms))).toBe(true);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
});

test("systemClock.now() goes on when the machine's clock is set, and date() follows the setting", () => {
  const before = systemClock.now();
  try {
    for (const year of [2040, 2020]) {
      const setMs = Date.UTC(year, 0, 1);
      setSystemTime(setMs);
      expect(Math.abs(systemClock.date() - setMs)).toBeLessThan(1000);
      expect(systemClock.now() - before).toBeGreaterThanOrEqual(0);
      expect(systemClock.now() - before).toBeLessThan(10_000);
    }
  } finally {
    setSystemTime();
  }
});

test("systemClock.after() runs at once, without a warning, for a time in the past", async () => {
  const warnings: string[] = [];
  const note = (warning: Error): number => warnings.push(warning.message);
  process.on("warning", note);
  try {
    await new Promise<void>((resolve) => void systemClock.after(-6, resolve));
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings).toEqual([]);
  } finally {
    process.off("warning", note);
  }
});
