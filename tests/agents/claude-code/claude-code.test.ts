import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { claudeCode } from "../../../src/agents/claude-code/claude-code.ts";
import type { Parsed } from "../../../src/agents/agent.ts";
import type { MessageEntry } from "../../../src/session/entries.ts";
import { hurriedClock } from "../../support/clock.ts";
import { FIXTURES } from "../../support/recordings.ts";
import { SyncedArchive } from "../../support/synced.ts";
import { Workspace } from "../../support/workspace.ts";

const RECORDINGS = join(FIXTURES, "claude");
const USAGE = ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens"];

/** Counted from the JSON lines by a script that knows no parser. */
interface Facts {
  bytes: number;
  parent_session_id: string | null;
  message_ids: number;
  tool_calls: Record<string, number>;
  results: number;
  calls_without_result: string[];
  human_text_messages: number;
  slash_commands: number;
  usage: Record<string, number>;
  started_at: string;
  ended_at: string;
  cwd: string | null;
  source_version: string | null;
  first_human_text: string | null;
}

const expected = JSON.parse(readFileSync(join(RECORDINGS, "expected.json"), "utf8")) as Record<string, Facts>;

describe("real recordings", () => {
  let workspace: Workspace;
  let synced: SyncedArchive;

  beforeAll(async () => {
    workspace = new Workspace();
    synced = new SyncedArchive(workspace.archive, RECORDINGS, { clock: hurriedClock, folder: "home" });
    expect((await synced.engine.syncAll()).failures).toEqual([]);
  });
  afterAll(async () => {
    await synced[Symbol.asyncDispose]();
    workspace[Symbol.dispose]();
  });

  for (const [path, facts] of Object.entries(expected)) {
    const id = basename(path, ".jsonl");
    const isSubagent = id.startsWith("agent-");

    test(`SyncEngine imports ${id} as it was recorded`, () => {
      const [session] = synced.query("SELECT * FROM sessions WHERE id = ?", id);
      expect(session).toMatchObject({
        agent: "claude",
        parent_session_id: facts.parent_session_id,
        started_at: facts.started_at,
        ended_at: facts.ended_at,
        cwd: facts.cwd,
        source_version: facts.source_version,
        total_output_tokens: BigInt(facts.usage["output_tokens"] ?? 0),
        parser_malformed_lines: 0n,
      });

      const ids = synced.query(
        "SELECT DISTINCT claude_message_id FROM messages WHERE session_id = ? AND claude_message_id != ''",
        id,
      );
      expect(ids).toHaveLength(facts.message_ids);

      const calls = synced.query(
        "SELECT tool_name, tool_use_id, result_content FROM tool_calls WHERE session_id = ?",
        id,
      );
      expect(countBy(calls.map((call) => String(call["tool_name"])))).toEqual(facts.tool_calls);
      const open = calls.filter((call) => call["result_content"] === null);
      expect(open.map((call) => call["tool_use_id"]).sort()).toEqual(facts.calls_without_result);
      expect(calls.length - open.length).toBe(facts.results);

      const usages = synced
        .query("SELECT token_usage FROM messages WHERE session_id = ? AND token_usage IS NOT NULL", id)
        .map((row) => JSON.parse(String(row["token_usage"])) as Record<string, number>);
      const sums = USAGE.map((key) => [key, usages.reduce((sum, usage) => sum + (usage[key] ?? 0), 0)]);
      expect(Object.fromEntries(sums)).toEqual(facts.usage);

      // What a person typed: prompts and slash commands; in a subagent, the one prompt of its parent.
      const typed = isSubagent ? 1 : facts.human_text_messages + facts.slash_commands;
      expect(session?.["user_message_count"]).toBe(BigInt(typed));
      if (facts.slash_commands === 0 && facts.first_human_text !== null)
        expect(String(session?.["first_message"])).toStartWith(facts.first_human_text);
    });
  }

  test("SyncEngine leaves a last line that was cut off for the next read", () => {
    const [session] = synced.query(
      "SELECT file_size FROM sessions WHERE id = '635339f8-0511-413e-ae64-9b62f5e8c8b0'",
    );
    const bytes = expected[Object.keys(expected).find((path) => path.includes("635339f8")) ?? ""]?.bytes;
    expect(Number(session?.["file_size"])).toBeLessThan(bytes ?? 0);
  });
});

describe("placeOf()", () => {
  test("names a session after its file", () => {
    expect(claudeCode.placeOf("-home-x/0b2c.jsonl")).toEqual(PLACE);
    expect(claudeCode.placeOf("-home-x/codex:0b2c.jsonl")).toBeNull();
  });

  test("finds the parent of a subagent in its folder, at any depth", () => {
    const place = { ...ONE_FILE, id: "agent-1", parentId: "0b2c", isSubagent: true };
    expect(claudeCode.placeOf("-home-x/0b2c/subagents/agent-1.jsonl")).toEqual(place);
    expect(claudeCode.placeOf("-home-x/0b2c/subagents/workflows/wf_1/agent-1.jsonl")).toEqual(place);
  });

  test("passes by what is no conversation", () => {
    for (const path of [
      "x.jsonl",
      "-home-x/notes.txt",
      "-home-x/.jsonl",
      "-home-x/0b2c/subagents/agent-acompact-1.jsonl",
      "-home-x/0b2c/subagents/agent-1.meta.json",
      "-home-x/0b2c/subagents/workflows/wf_1/journal.jsonl",
      "-home-x/0b2c/tool-results/1.txt",
    ])
      expect(claudeCode.placeOf(path)).toBeNull();
  });
});

describe("roots()", () => {
  test("are the configured folder, or both that versions have used", () => {
    const home = "/home/x";
    expect(claudeCode.roots({ env: { CLAUDE_CONFIG_DIR: "/elsewhere/claude" }, home })).toEqual([
      "/elsewhere/claude/projects",
    ]);
    expect(claudeCode.roots({ env: {}, home })).toEqual([
      "/home/x/.claude/projects",
      "/home/x/.config/claude/projects",
    ]);
    expect(claudeCode.roots({ env: { XDG_CONFIG_HOME: "/cfg", CLAUDE_CONFIG_DIR: "" }, home })[1]).toBe(
      "/cfg/claude/projects",
    );
  });
});

describe("parse()", () => {
  test("keeps a result that stands before its call, across two reads", () => {
    const result = user([{ type: "tool_result", tool_use_id: "toolu_1", content: "done" }]);
    const first = parse([result]);
    const call = assistant([{ type: "tool_use", id: "toolu_1", name: "Bash", input: {} }]);
    const second = parse([call], first.state);
    expect(second.entries.map(({ kind }) => kind)).toEqual(["message", "tool_result"]);
    expect(second.entries[1]).toEqual({ kind: "tool_result", toolUseId: "toolu_1", content: "done" });
    expect(parse([result, call]).entries.slice(-2)).toEqual(second.entries);
  });

  test("keeps a bounded state, however many results lack their call and calls their result", () => {
    const lines = Array.from({ length: 2000 }, (_, n) => [
      user([{ type: "tool_result", tool_use_id: `lost_${n}`, content: "x".repeat(100) }]),
      assistant([{ type: "tool_use", id: `open_${n}`, name: "Bash", input: {} }]),
    ]).flat();
    expect(JSON.stringify(parse(lines).state).length).toBeLessThan(20_000);
  });

  test("takes a tool for a tool, whatever its name", () => {
    for (const name of ["constructor", "toString", "__proto__"]) {
      const [message] = messages(parse([assistant([{ type: "tool_use", id: "t", name, input: {} }])]));
      expect(message?.blocks).toMatchObject([{ type: "tool_use", name, category: "Other" }]);
    }
  });

  test("counts a record that cannot be read, however deep it is", () => {
    const deep = '{"a":'.repeat(200_000) + "1" + "}".repeat(200_000);
    const line = `{"type":"assistant","message":{"id":"m","content":[{"type":"tool_use","id":"t","name":"Bash","input":${deep}}]}}`;
    const { state, entries } = parse([line, user("hello")]);
    expect(messages({ state, entries }).at(-1)?.blocks).toEqual([{ type: "text", text: "hello" }]);
  });

  test("counts lines that hold no record, and goes on", () => {
    const { state, entries } = parse(["{", "[1]", "null", '"x"', "", "  \r", user("hello")]);
    expect(state.facts.malformedLines).toBe(4);
    expect(entries).toHaveLength(1);
  });

  test("replaces what an archive cannot keep: NUL and halves of surrogate pairs", () => {
    const [message] = messages(parse([user("a\u0000b\ud800c")]));
    expect(message?.blocks).toEqual([{ type: "text", text: "a\ufffdb\ufffdc" }]);
  });

  test("never cuts a first message in the middle of a character", () => {
    const { state } = parse([user(`${"x".repeat(299)}😀`)]);
    expect(state.facts.firstMessage).toBe("x".repeat(299));
  });

  test("shows a slash command as it was typed", () => {
    const text = (command: string): unknown =>
      messages(parse([user(command)]))[0]?.blocks.map((block) => (block.type === "text" ? block.text : ""));
    expect(text("<command-name>/review</command-name>\n<command-args>src</command-args>")).toEqual([
      "/review src",
    ]);
    // Version 1.0.17 wrote the name without its slash.
    expect(text("<command-message>init</command-message><command-name>init</command-name>")).toEqual([
      "/init",
    ]);
  });

  test("takes no first message from a side chain", () => {
    const side = record("user", { isSidechain: true, message: { role: "user", content: "do this" } });
    expect(parse([side, user("hello")]).state.facts.firstMessage).toBe("hello");
  });

  test("leaves out injected instructions, and marks what the program wrote", () => {
    const texts = [
      "hello",
      "[Request interrupted by user]",
      "<task-notification>done</task-notification>",
      "<local-command-stdout>ok</local-command-stdout>",
    ];
    const found = messages(
      parse([
        record("user", { isMeta: true, message: { role: "user", content: "skill" } }),
        ...texts.map((text) => user(text)),
      ]),
    );
    expect(found.map(({ sourceSubtype }) => sourceSubtype)).toEqual([
      null,
      "interrupted",
      "task_notification",
    ]);
  });

  test("takes what a shell line printed for the program's, and the line itself for typed", () => {
    const shell = [user("<bash-input>ls</bash-input>"), user("<bash-stdout>a b</bash-stdout>")];
    const { entries, state } = parse(shell);
    expect(messages({ entries, state }).map(({ isSystem }) => isSystem)).toEqual([false, true]);
    expect(state.facts.firstMessage).toBe("! ls");
  });

  test("names the skill that a call is of", () => {
    const call = { type: "tool_use", id: "toolu_1", name: "Skill", input: { skill: "review" } };
    expect(messages(parse([assistant([call])]))[0]?.blocks).toMatchObject([{ skill: "review" }]);
  });

  test("judges what was typed in mid-turn as every prompt", () => {
    const queued = (prompt: string, fields = {}): string =>
      record("attachment", { attachment: { type: "queued_command", prompt, ...fields } });
    const texts = messages(
      parse([queued("injected", { isMeta: true }), queued("<command-name>/x</command-name>")]),
    ).flatMap(({ blocks }) => blocks.map((block) => (block.type === "text" ? block.text : "")));
    expect(texts).toEqual(["/x"]);
  });

  test("links a fork to the session that it was copied from, and counts nothing twice", () => {
    const message = { id: "msg_1", role: "assistant", content: [], usage: { output_tokens: 7 } };
    const copied = record("assistant", { message, forkedFrom: { sessionId: "origin", messageUuid: "u1" } });
    const own = record("assistant", { message: { ...message, id: "msg_2" } });
    const { entries, state } = parse([copied, own]);
    expect(state.facts).toMatchObject({ parentSessionId: "origin", relationshipType: "fork" });
    expect(messages({ entries, state }).map(({ usage }) => usage?.outputTokens ?? null)).toEqual([null, 7]);
  });

  test("gives what was typed in mid-turn as a message", () => {
    const attachment = { type: "queued_command", prompt: "also this" };
    expect(messages(parse([record("attachment", { attachment })]))).toMatchObject([
      { role: "user", blocks: [{ text: "also this" }], isSystem: false },
    ]);
  });
});

const ONE_FILE = { part: "", compression: null };
const PLACE = { ...ONE_FILE, id: "0b2c", parentId: null, isSubagent: false };

function parse(lines: readonly string[], state: Parsed["state"] | null = null): Parsed {
  return claudeCode.parse(lines, state, PLACE);
}

function messages({ entries }: Parsed): MessageEntry[] {
  return entries.filter((entry) => entry.kind === "message");
}

function record(type: string, fields: object): string {
  return JSON.stringify({
    type,
    uuid: crypto.randomUUID(),
    sessionId: PLACE.id,
    timestamp: "2026-01-01T00:00:00.000Z",
    ...fields,
  });
}

function user(content: string | object[]): string {
  return record("user", { message: { role: "user", content } });
}

function assistant(content: object[]): string {
  return record("assistant", { message: { id: `msg_${crypto.randomUUID()}`, role: "assistant", content } });
}

function countBy(names: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
