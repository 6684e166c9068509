import { expect, test } from "bun:test";
import { printable } from "../../src/session/printable.ts";

test("printable() makes control characters, line ends and bidirectional controls visible", () => {
  expect(printable("a\u001b[2J\n\u2028\u202eé😀 b")).toBe("a\\u001b[2J\\u000a\\u2028\\u202eé😀 b");
});
