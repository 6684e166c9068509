import { expect, test } from "bun:test";
import { sessionLines } from "../../../src/cli/output/session-lines.ts";
import type { Session } from "../../../src/session/session.ts";

const SESSION: Session = {
  id: "a",
  version: "v",
  message_count: 12,
  ended_at: "2026-01-31T12:34:56Z",
  project: "demo",
  title: "fix\nit",
  machine: "local",
};

test("sessionLines() shows the machine only if sessions of several are listed", () => {
  expect(sessionLines([SESSION], Infinity)).toEqual(["a  2026-01-31 12:34     12  demo  fix it"]);
  expect(sessionLines([SESSION, { ...SESSION, machine: "laptop" }], Infinity)).toEqual([
    "a  2026-01-31 12:34     12  local   demo  fix it",
    "a  2026-01-31 12:34     12  laptop  demo  fix it",
  ]);
});

test("sessionLines() cuts lines at the terminal's width, but never the note on malformed lines", () => {
  const torn = { ...SESSION, parser_malformed_lines: 2 };
  for (const columns of [80, 40, 30, 10]) {
    const [line = ""] = sessionLines([torn], columns);
    expect(line).toEndWith("  (2 malformed lines)");
    expect(line.length).toBeLessThanOrEqual(Math.max(columns, "  (2 malformed lines)".length));
  }
});

test("sessionLines() shows control characters instead of sending them to the terminal", () => {
  const [line] = sessionLines([{ ...SESSION, title: "\u001b[2J" }], Infinity);
  expect(line).toEndWith("\\u001b[2J");
});
