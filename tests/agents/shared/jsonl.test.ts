import { expect, test } from "bun:test";
import { claudeCode } from "../../../src/agents/claude-code/claude-code.ts";
import { codex } from "../../../src/agents/codex/codex.ts";
import { answer, call, header, linesOf, output } from "../../support/codex.ts";

const THREAD = "01a0f000-0000-7000-8000-000000000001";

test("parseJsonLines() knows no session that is its own parent or its own subagent", () => {
  const place = codex.placeOf(`rollout-${THREAD}.jsonl`);
  if (place === null) throw new Error("it is a rollout");
  const spawn = [call("c", "spawn_agent", {}), output("c", JSON.stringify({ agent_id: THREAD }))];
  const records = [header(THREAD, { forked_from_id: THREAD }), ...spawn, answer("done")];
  const { entries, state } = codex.parse(linesOf(records), null, place);
  expect(state.facts).toMatchObject({ parentSessionId: null, relationshipType: null });
  expect(entries.map(({ kind }) => kind)).toEqual(["message", "tool_result", "message"]);

  const nested = claudeCode.placeOf("-home-x/agent-1/subagents/agent-1.jsonl");
  if (nested === null) throw new Error("it is a transcript");
  expect(claudeCode.parse([], null, nested).state.facts.parentSessionId).toBeNull();
});
