import { expect, test } from "bun:test";
import { isMachineName } from "../../src/app/machine-name.ts";

test("isMachineName() accepts 1 to 100 characters on one line", () => {
  for (const name of ["a", "my laptop", "é", "x".repeat(100)]) expect(isMachineName(name)).toBe(true);
  for (const name of ["", " ", "a\nb", "\u001b[2J", "x".repeat(101)]) expect(isMachineName(name)).toBe(false);
});
