import { expect, test } from "bun:test";
import { targetOf } from "../../../src/cli/input/target.ts";

test("targetOf() takes one session, or all that match", () => {
  expect(targetOf("a", {})).toEqual({ id: "a" });
  expect(targetOf(undefined, { all: true })).toEqual({ filter: {} });
  expect(targetOf(undefined, { all: true, project: "", agent: "codex", machine: "m" })).toEqual({
    filter: { project: "", agent: "codex", machine: "m" },
  });
});

test("targetOf() refuses what contradicts itself", () => {
  expect(() => targetOf("a", { all: true })).toThrow("use either <id> or --all");
  expect(() => targetOf("a", { agent: "codex" })).toThrow("--agent chooses among all sessions");
  expect(() => targetOf(undefined, { project: "x" })).toThrow("--project chooses among all sessions");
  expect(() => targetOf(undefined, {})).toThrow("missing <id>");
});
