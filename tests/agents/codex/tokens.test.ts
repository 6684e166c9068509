import { describe, expect, test } from "bun:test";
import { answer, event, header, prompt, tokens } from "../../support/codex.ts";
import { messagesOf, outputsOf, parse, parseTimed, textsIn, THREAD } from "../../support/codex-parsing.ts";

describe("parse(), tokens", () => {
  test("puts the difference of the totals on the assistant's last message, in other archives' words", () => {
    const parsed = parse([
      answer("1"),
      tokens([100, 40, 10]),
      answer("2"),
      tokens([300, 140, 15], [200, 100, 5]),
    ]);
    expect(messagesOf(parsed).map(({ usage }) => usage)).toEqual([
      {
        json: '{"input_tokens":60,"output_tokens":10,"cache_read_input_tokens":40}',
        contextTokens: 100,
        outputTokens: 10,
      },
      {
        json: '{"input_tokens":100,"output_tokens":5,"cache_read_input_tokens":100}',
        contextTokens: 200,
        outputTokens: 5,
      },
    ]);
  });

  test("adds up what comes for one message, and nothing for a total that is repeated", () => {
    const twice = tokens([250, 0, 30], [150, 0, 20]);
    const parsed = parse([
      answer("1"),
      tokens([100, 0, 10]),
      twice,
      twice,
      event("token_count", { info: null }),
    ]);
    expect(outputsOf(parsed)).toEqual([30]);
    expect(parsed.entries).toHaveLength(3);
  });

  test("keeps what is counted before the first message for that message", () => {
    const parsed = parse([
      tokens([100, 0, 10]),
      tokens([200, 0, 20], [100, 0, 10]),
      answer("1"),
      answer("2"),
    ]);
    expect(outputsOf(parsed)).toEqual([20, 0]);
  });

  test("counts the last response only when the total drops, whatever it was set back to", () => {
    const fromZero = parse([answer("1"), tokens([900, 0, 90]), answer("2"), tokens([100, 0, 7])]);
    expect(outputsOf(fromZero)).toEqual([90, 7]);
    const toEarlier = parse([
      answer("1"),
      tokens([900, 0, 90]),
      answer("2"),
      tokens([500, 0, 57], [100, 0, 7]),
    ]);
    expect(outputsOf(toEarlier)).toEqual([90, 7]);
  });

  test("counts nothing of the history that a fork has copied, and keeps its messages", () => {
    const copy = [
      header(THREAD, { forked_from_id: "parent" }),
      header("parent"),
      prompt("old"),
      answer("old"),
      tokens([900, 0, 90]),
    ];
    const own = [prompt("new"), answer("new"), tokens([900, 0, 90]), tokens([1000, 0, 95], [100, 0, 5])];
    const parsed = parseTimed(copy, own);
    expect(outputsOf(parsed)).toEqual([0, 5]);
    expect(textsIn(parsed)).toEqual(["old", "old", "new", "new"]);
  });

  test("counts nothing of the history that a fork has not copied but goes on from", () => {
    const first = header(THREAD, { forked_from_id: "parent", history_base: { thread_id: "parent" } });
    const parsed = parse([first, prompt("new"), answer("new"), tokens([1000, 0, 95], [100, 0, 5])]);
    expect(outputsOf(parsed)).toEqual([5]);
  });

  test("takes a header of another thread for the beginning of a copy", () => {
    const parsed = parseTimed(
      [header(THREAD), header("parent"), answer("old"), tokens([900, 0, 90])],
      [answer("new"), tokens([1000, 0, 95], [100, 0, 5])],
    );
    expect(outputsOf(parsed)).toEqual([0, 5]);
  });
});
