import { expect, test } from "bun:test";
import { followTargetOf } from "../../../src/cli/input/follow-target.ts";

test("followTargetOf() accepts one session, or all that match", () => {
  expect(followTargetOf("a", {})).toEqual({ id: "a" });
  expect(followTargetOf(undefined, { all: true })).toEqual({ filter: {} });
  expect(followTargetOf(undefined, { all: true, project: "", agent: "codex", machine: "m" })).toEqual({
    filter: { project: "", agent: "codex", machine: "m" },
  });
});

test("followTargetOf() refuses contradictions", () => {
  expect(() => followTargetOf("a", { all: true })).toThrow("use either <id> or --all");
  expect(() => followTargetOf("a", { agent: "codex" })).toThrow("--agent needs --all");
  expect(() => followTargetOf(undefined, { project: "x" })).toThrow("--project needs --all");
  expect(() => followTargetOf(undefined, {})).toThrow("missing <id>");
});
