import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "bun:test";
import type { Parsed } from "../../../src/agents/agent.ts";
import { codex } from "../../../src/agents/codex/codex.ts";
import type { MessageEntry } from "../../../src/session/entries.ts";
import {
  callsIn,
  callsOf,
  countBy,
  messagesOf,
  parseFiles,
  retractionsOf,
  usageOf,
} from "../../support/codex-parsing.ts";
import { FIXTURES } from "../../support/recordings.ts";

/** Counted from the JSON lines by a script that knows no parser. */
interface Facts {
  files: string[];
  header: {
    source_session_id: string;
    cwd: string | null;
    git_branch: string | null;
    cli_version: string | null;
    parent: string | null;
    relationship: string | null;
  };
  started_at: string | null;
  ended_at: string | null;
  typed_prompts: number;
  first_prompt: string | null;
  assistant_texts: number;
  reasoning_with_text: number;
  /** By the item's type and the tool's name. */
  tool_calls: Record<string, number>;
  results: number;
  calls_without_result: string[];
  compactions: number;
  /** What the thread itself has used. */
  tokens: Record<string, number>;
  models: string[];
  malformed_lines: number;
}

const expected = JSON.parse(readFileSync(join(FIXTURES, "codex", "expected.json"), "utf8")) as Record<
  string,
  Facts
>;

describe("real recordings", () => {
  for (const [id, facts] of Object.entries(expected)) {
    test(`parse() reads ${id} as it was recorded`, () => {
      const parsed = parseFiles(facts.files);
      expect(parsed.state.facts).toMatchObject({
        agent: "codex",
        cwd: facts.header.cwd,
        gitBranch: facts.header.git_branch,
        sourceSessionId: facts.header.source_session_id,
        sourceVersion: facts.header.cli_version,
        parentSessionId: facts.header.parent,
        relationshipType: facts.header.relationship,
        startedAt: facts.started_at,
        endedAt: facts.ended_at,
        malformedLines: facts.malformed_lines,
      } as Partial<Parsed["state"]["facts"]>);
      const firstMessage = parsed.state.facts.firstMessage;
      expect(firstMessage?.slice(0, facts.first_prompt?.length) ?? null).toBe(facts.first_prompt);

      const messages = messagesOf(parsed);
      const count = (is: (message: MessageEntry) => boolean): number => messages.filter(is).length;
      expect(count(({ role, isSystem }) => role === "user" && !isSystem)).toBe(facts.typed_prompts);
      expect(count(({ role, sourceType }) => role === "assistant" && sourceType === "message")).toBe(
        facts.assistant_texts,
      );
      expect(count(({ blocks }) => blocks.some(({ type }) => type === "thinking"))).toBe(
        facts.reasoning_with_text,
      );
      expect(count(({ isCompactBoundary }) => isCompactBoundary)).toBe(facts.compactions);
      const models = new Set(messages.flatMap(({ model }) => model ?? []));
      expect([...models].filter((model) => !facts.models.includes(model))).toEqual([]);

      const calls = messages.flatMap(({ sourceType, blocks }) =>
        callsIn(blocks).map(({ name }) => `${sourceType}:${name}`),
      );
      expect(countBy(calls)).toEqual(facts.tool_calls);
      const results = parsed.entries.flatMap((entry) =>
        entry.kind === "tool_result" ? entry.toolUseId : [],
      );
      expect(results).toHaveLength(facts.results);
      const open = messages.flatMap(({ blocks }) => callsIn(blocks).map(({ id }) => id));
      expect(open.filter((id) => !results.includes(id))).toEqual(facts.calls_without_result);
      for (const message of messages)
        for (const { input } of callsIn(message.blocks)) expect(() => JSON.parse(input)).not.toThrow();

      expect(usageOf(messages)).toEqual(facts.tokens);
      const outputTokens = messages.reduce((sum, { usage }) => sum + (usage?.outputTokens ?? 0), 0);
      expect(outputTokens).toBe(facts.tokens["output_tokens"] ?? 0);
    });
  }

  test("parse() gives each assistant message a key of its own", () => {
    for (const { files } of Object.values(expected)) {
      const added = parseFiles(files).entries.filter(
        (entry) => entry.kind === "message" && entry.role === "assistant" && entry.blocks.length > 0,
      );
      const keys = added.map((entry) => (entry.kind === "message" ? entry.key : null));
      expect(keys).not.toContain(null);
      expect(new Set(keys).size).toBe(keys.length);
    }
  });

  test("parse() keeps a bounded state", () => {
    for (const { files } of Object.values(expected))
      expect(JSON.stringify(parseFiles(files).state.memory).length).toBeLessThan(1000);
  });

  test("parse() takes back the prompts of a rollback", () => {
    const files = expected["codex:01a0f000-0000-7000-8000-000000000001"]?.files ?? [];
    expect(retractionsOf(parseFiles(files))).toEqual([{ lastPrompts: 2 }]);
  });

  test("parse() takes back the prompts that the thread's next file leaves out", () => {
    const files = expected["codex:01a0f000-0000-7000-8000-000000000003"]?.files ?? [];
    expect(retractionsOf(parseFiles(files))).toEqual([{ lastPrompts: 1 }]);
  });

  test("parse() shows a question to the user as a call that is open", () => {
    const files = expected["codex:01a0f000-0000-7000-8000-000000000002"]?.files ?? [];
    expect(callsOf(parseFiles(files))).toMatchObject([
      { name: "request_user_input", category: "Tool", subject: "A bell or a gong?" },
    ]);
  });

  test("parse() marks the turn that was interrupted", () => {
    const files = expected["codex:019e3293-eaed-75c1-ae74-5b96bc3076f0"]?.files ?? [];
    const system = messagesOf(parseFiles(files)).filter(({ isSystem }) => isSystem);
    expect(system.map(({ sourceSubtype }) => sourceSubtype)).toEqual(["interrupted"]);
  });
});

describe("placeOf()", () => {
  const thread = "01a0f000-0000-7000-8000-000000000001";
  const name = `rollout-2026-10-01T01-00-00-${thread}`;
  const place = { id: `codex:${thread}`, parentId: null, isSubagent: false, part: "", compression: null };

  test("names a session after the thread in the file's name, at any depth", () => {
    expect(codex.placeOf(`${name}.jsonl`)).toEqual(place);
    expect(codex.placeOf(`2026/10/01/${name}.jsonl`)).toEqual(place);
  });

  test("knows compressed files", () => {
    expect(codex.placeOf(`2026/10/01/${name}.jsonl.zst`)).toEqual({ ...place, compression: "zstd" });
  });

  test("puts the files of a thread in order", () => {
    const windows = ["_2", "", "_10", "_1"];
    const parts = windows.map((window) => codex.placeOf(`${name}${window}.jsonl`));
    expect(parts.map((part) => part?.id)).toEqual(windows.map(() => place.id));
    const sorted = parts.map((part) => part?.part ?? "?").sort();
    expect(sorted.map(Number)).toEqual([0, 1, 2, 10]);
    // Newer versions give each file an id of its own, which begins with its time.
    const other = "01a0f111-0000-7000-8000-000000000001";
    expect(codex.placeOf(`${name}_${other}.jsonl`)).toEqual({ ...place, part: other });
  });

  test("passes by what is no rollout", () => {
    for (const path of [
      "rollout-compress-1234.tmp",
      `2026/10/01/rollout-compress-${thread}.tmp`,
      `${name}.jsonl.tmp`,
      `${name}.json`,
      `${thread}.jsonl`,
      "rollout-2026-10-01T01-00-00-backup.jsonl",
      "history.jsonl",
      "",
    ])
      expect(codex.placeOf(path)).toBeNull();
  });
});

describe("roots()", () => {
  test("are the folders of active and of archived threads, in the configured home or the default", () => {
    const home = "/home/x";
    expect(codex.roots({ env: { CODEX_HOME: "/elsewhere" }, home })).toEqual([
      "/elsewhere/sessions",
      "/elsewhere/archived_sessions",
    ]);
    expect(codex.roots({ env: { CODEX_HOME: "" }, home })).toEqual([
      "/home/x/.codex/sessions",
      "/home/x/.codex/archived_sessions",
    ]);
  });
});
