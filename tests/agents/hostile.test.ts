/** Records that mean harm: none of them may take much time, or leave much behind in a parser's state. */

import { describe, expect, test } from "bun:test";
import type { LinesAgent, Parsed } from "../../src/agents/agent.ts";
import { claudeCode } from "../../src/agents/claude-code/claude-code.ts";
import { codex } from "../../src/agents/codex/codex.ts";
import { event, header, item, linesOf, prompt, turnContext } from "../support/codex.ts";
import type { CodexRecord } from "../support/codex.ts";
import { faultsOf, STATE_MAX } from "../support/well-formed.ts";

const PLACE = { id: "hostile", parentId: null, isSubagent: false, part: "", compression: null };
/** What takes as many steps as it has characters is done in some ms; with their square it takes minutes. */
const BUDGET_MS = 2000;
/** More than any name, and more than a whole state may hold. */
const LONG = "x".repeat(STATE_MAX + 1);

describe("a Claude Code record", () => {
  const user = (content: unknown): object => ({
    type: "user",
    uuid: "u",
    message: { role: "user", content },
  });

  test.each([
    ["a tag that is never closed", `<command-name>${" ".repeat(200_000)}`],
    [
      "arguments that are never closed",
      `<command-name>/x</command-name><command-args>${" \n".repeat(100_000)}`,
    ],
    ["tags within tags", "<command-name>".repeat(20_000)],
    ["tasks that are never closed", "<task-id> a".repeat(20_000)],
    ["nothing but blanks", `${" \n".repeat(200_000)}x`],
  ])("is read at once: %s", (_what, text) => {
    expectSoon(() => read(claudeCode, user(text)));
    expectSoon(() => read(claudeCode, { type: "queue-operation", content: text }));
  });

  test("is read at once, however many calls, results and agents it holds", () => {
    const ids = Array.from({ length: 60_000 }, (_, index) => `t${index}`);
    const calls = ids.map((id) => ({ type: "tool_use", id, name: "Task", input: {} }));
    const results = ids.map((id) => ({ type: "tool_result", tool_use_id: id, content: `agentId: ${id}` }));
    const all = expectSoon(() => read(claudeCode, user([...results, ...calls])));
    const message = all.entries.find((entry) => entry.kind === "message");
    expect(message?.kind === "message" && message.blocks.length).toBe(ids.length);
    expect(all.entries.filter(({ kind }) => kind === "tool_result").length).toBeGreaterThanOrEqual(
      ids.length,
    );
    expectSmall(all);
  });

  test("leaves no more than a little in the state, however long its names and results are", () => {
    const names = ["cwd", "gitBranch", "version", "sessionId", "customTitle", "aiTitle", "title"];
    const named = Object.fromEntries(names.map((name) => [name, LONG]));
    const call = { type: "tool_use", id: LONG, name: "Task", input: {} };
    const result = { type: "tool_result", tool_use_id: "t", content: LONG };
    const records = ["user", "custom-title", "ai-title"].map((type) => ({
      ...user([call, result]),
      ...named,
      type,
    }));
    expectSmall(read(claudeCode, ...records, ...records));
  });
});

describe("a Codex record", () => {
  test.each<[string, CodexRecord]>([
    [
      "underscores",
      item("function_call", { call_id: "c", name: "x", namespace: `mcp__${"_".repeat(200_000)}x` }),
    ],
    ["folders that are never closed", prompt(`<environment_context>${"<cwd>a".repeat(50_000)}`)],
    ["an image that is never closed", prompt(`<image${" ".repeat(200_000)}`)],
    ["nothing but blanks", prompt(`${" \n".repeat(200_000)}x`)],
    ["requests that are none", prompt(`# Files mentioned by the user\n${"## My request\n".repeat(50_000)}`)],
    [
      "spawned agents",
      item("message", {
        role: "assistant",
        content: Array.from({ length: 50_000 }, () => ({ type: "spawn" })),
      }),
    ],
  ])("is read at once: %s", (_what, record) => {
    expectSoon(() => readCodex(record));
  });

  test("leaves no more than a little in the state, however long its names are", () => {
    const source = { subagent: { thread_spawn: { parent_thread_id: LONG } } };
    const names = { id: LONG, session_id: LONG, cwd: LONG, cli_version: LONG, git: { branch: LONG }, source };
    expectSmall(
      readCodex(
        header("x", { ...names, forked_from_id: LONG }),
        { ...turnContext(LONG), payload: { cwd: LONG, model: LONG } },
        prompt(`<environment_context><cwd>${LONG}</cwd>`),
        event("thread_name_updated", { thread_name: LONG }),
        ...Array.from({ length: 60 }, (_, index) =>
          item("function_call", { call_id: LONG + index, name: "spawn_agent", arguments: "{}" }),
        ),
      ),
    );
  });
});

function read(agent: LinesAgent, ...records: object[]): Parsed {
  return agent.parse(
    records.map((record) => JSON.stringify(record)),
    null,
    PLACE,
  );
}

function readCodex(...records: CodexRecord[]): Parsed {
  return codex.parse(linesOf(records), null, PLACE);
}

function expectSoon<T>(run: () => T): T {
  // Of this process's own time: a busy machine gives it little of each second.
  const before = process.cpuUsage();
  const result = run();
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1000).toBeLessThan(BUDGET_MS);
  return result;
}

function expectSmall(parsed: Parsed): void {
  expect(faultsOf(parsed)).toEqual([]);
}
