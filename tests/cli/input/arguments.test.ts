import { expect, test } from "bun:test";
import { parseDuration, parseWhole } from "../../../src/cli/input/arguments.ts";

test("parseDuration() reads ms, s, m and h", () => {
  expect(["500ms", "5s", "1.5s", "2m", "1h"].map(parseDuration)).toEqual([
    500, 5000, 1500, 120_000, 3_600_000,
  ]);
});

test("parseDuration() refuses other text, and times that no timer supports", () => {
  for (const text of ["", "5", "s", "-1s", "0s", "0.1ms", "1d", "1e3s", "Infinitys", "600h", " 5s"]) {
    expect(() => parseDuration(text)).toThrow("Use a duration such as");
  }
});

test("parseWhole() reads whole numbers within its bounds", () => {
  expect(parseWhole(0, 65_535)("0")).toBe(0);
  for (const text of ["", "-1", "1.5", "65536", "1e3", "0x10", "ten"]) {
    expect(() => parseWhole(0, 65_535)(text)).toThrow("Use a whole number from 0 to 65535.");
  }
});
