import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Parsed } from "../../../src/agents/agent.ts";
import { codex } from "../../../src/agents/codex/codex.ts";
import { call, linesOf, prompt, tokens } from "../../support/codex.ts";
import { parse, PLACE, textsIn } from "../../support/codex-parsing.ts";

describe("parse(), damage", () => {
  test("counts lines that hold no record, and finds the record behind half of another", () => {
    const [line = ""] = linesOf([prompt("hello")]);
    const parsed = codex.parse(["{", "[1]", "", `${line.slice(0, 50)}${line}`], null, PLACE);
    expect(parsed.state.facts.malformedLines).toBe(3);
    expect(textsIn(parsed)).toEqual(["hello"]);
  });

  test("replaces what an archive cannot keep: NUL and halves of surrogate pairs", () => {
    expect(textsIn(parse([prompt("a\u0000b\ud800c")]))).toEqual(["a\ufffdb\ufffdc"]);
  });

  test("counts a record that cannot be read, however deep it is", () => {
    const deep = '{"a":'.repeat(200_000) + "1" + "}".repeat(200_000);
    const line = `{"timestamp":"x","type":"response_item","payload":{"type":"tool_search_call","call_id":"c","arguments":${deep}}}`;
    const parsed = codex.parse([line, ...linesOf([prompt("hello")])], null, PLACE);
    expect(textsIn(parsed).at(-1)).toBe("hello");
  });

  test("keeps a bounded state, however many calls, prompts and turns there are", () => {
    const records = Array.from({ length: 2000 }, (_, n) => [
      prompt(`prompt ${n}`),
      call(`call_${n}`, "spawn_agent", { message: "x".repeat(100) }),
      tokens([n * 100, 0, n], [100, 0, 1]),
    ]).flat();
    const { state } = parse(records.map((record, ordinal) => ({ ...record, ordinal })));
    expect(JSON.stringify(state).length).toBeLessThan(20_000);
  });

  test("reads records whose fields are of any type", () => {
    const odd = fc.oneof(
      fc.constantFrom(null, true, -1, 1e99, "", "x", [], {}, [[]], [null, 1, "text"], { type: "x" }),
      fc.constantFrom({ subagent: {} }, { thread_spawn: 1 }, [{ type: 1 }], [{ type: "text", text: {} }]),
    );
    const fields = (
      "type id role content name namespace arguments input action call_id output status summary tools message info " +
      "num_turns thread_name model cwd git item source timestamp session_id parent_thread_id history_base kind " +
      "event_id total_token_usage subagent_history_start_ordinal replacement_history"
    ).split(" ");
    const types = (
      "message reasoning function_call custom_tool_call local_shell_call web_search_call image_generation_call " +
      "tool_search_output function_call_output agent_message token_count thread_rolled_back thread_name_updated " +
      "item_completed sub_agent_activity"
    ).split(" ");
    const values = fc.dictionary(fc.constantFrom(...fields), odd);
    const payload = fc
      .tuple(fc.constantFrom(...types), values)
      .map(([type, values]): Record<string, unknown> => ({ type, ...values }));
    const kinds = ["session_meta", "turn_context", "response_item", "event_msg", "compacted", "other"];
    const record = fc.oneof(
      payload,
      fc.record({
        type: fc.oneof(fc.constantFrom(...kinds), odd),
        payload: fc.oneof(payload, odd),
        ordinal: odd,
      }),
    );
    fc.assert(
      fc.property(fc.array(record, { maxLength: 20 }), (records) => {
        const lines = records.map((record) => JSON.stringify(record));
        const whole = codex.parse(lines, null, PLACE);
        expect(whole.state.facts.malformedLines).toBe(0);
        const state = JSON.parse(JSON.stringify(whole.state)) as Parsed["state"];
        expect(state).toEqual(whole.state);
      }),
      { numRuns: 500 },
    );
  });
});
