import { describe, expect, test } from "bun:test";
import { answer, event, header, prompt, tokens } from "../../support/codex.ts";
import { outputsOf, parse, retractionsOf, textsIn, THREAD } from "../../support/codex-parsing.ts";

describe("parse(), history", () => {
  test("leaves out the lines that are the parent's by their ordinals", () => {
    const source = { subagent: { thread_spawn: { parent_thread_id: "parent" } } };
    const records = [
      header(THREAD, { source, subagent_history_start_ordinal: 4 }),
      prompt("theirs"),
      answer("theirs"),
      tokens([900, 0, 90]),
      prompt("mine"),
      answer("mine"),
      tokens([1000, 0, 95], [100, 0, 5]),
    ].map((record, ordinal) => ({ ...record, ordinal }));
    const parsed = parse(records);
    expect(textsIn(parsed)).toEqual(["mine", "mine"]);
    expect(outputsOf(parsed)).toEqual([5]);
    expect(parsed.state.facts.firstMessage).toBe("mine");
  });

  test("takes back nothing where a file goes on from the end of the one before", () => {
    const base = { thread_id: THREAD, end_ordinal_exclusive: 2 };
    const parsed = parse(
      [header(THREAD), prompt("1"), header(THREAD, { history_base: base }), prompt("2")].map(
        (record, ordinal) => ({
          ...record,
          ordinal,
        }),
      ),
    );
    expect(retractionsOf(parsed)).toEqual([]);
  });

  test("does not take a prompt back twice", () => {
    const base = { thread_id: THREAD, end_ordinal_exclusive: 1 };
    const records = [
      header(THREAD),
      prompt("1"),
      prompt("2"),
      event("thread_rolled_back", { num_turns: 1 }),
      { ...header(THREAD, { history_base: base }), ordinal: 1 },
    ].map((record, ordinal) => ({ ordinal, ...record }));
    expect(retractionsOf(parse(records))).toEqual([{ lastPrompts: 1 }, { lastPrompts: 1 }]);
  });

  test("takes back nothing for a rollback of nothing", () => {
    const rollbacks = [0, -1, "2", null].map((num_turns) => event("thread_rolled_back", { num_turns }));
    expect(parse(rollbacks).entries).toEqual([]);
  });
});
