/** What OpenCode's rows may hold beyond what its present version writes. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { openCode } from "../../../src/agents/opencode/opencode.ts";
import type { MessageEntry } from "../../../src/session/entries.ts";
import { addMessage, addSession, MS, newDatabase } from "../../support/opencode-rows.ts";
import { rowsOf } from "../../support/rows.ts";

const ID = "opencode:ses_1";

let db: DatabaseSync;
beforeEach(() => {
  db = newDatabase();
  addSession(db, "ses_1");
});
afterEach(() => db.close());

function read() {
  return openCode.read(rowsOf(db), ID);
}

function messages(): MessageEntry[] {
  return (read()?.entries ?? []).filter((entry) => entry.kind === "message");
}

const text = (value: string, more: object = {}) => ({ type: "text", text: value, ...more });
const tool = (name: string, input: object, more: object = {}) => ({
  type: "tool",
  tool: name,
  callID: "c1",
  state: { status: "completed", input, output: "done", ...more },
});

describe("a fork", () => {
  const tokens = { total: 124, input: 100, output: 20, reasoning: 4, cache: { read: 0, write: 0 } };

  test("does not count again what was counted before it began", () => {
    addMessage(db, "msg_1", { role: "assistant", tokens }, text("copied"));
    addMessage(db, "msg_5", { role: "assistant", tokens }, text("new"));
    db.prepare("UPDATE session SET time_created = ?").run(MS + 3000);
    expect(messages().map(({ usage }) => usage?.outputTokens ?? null)).toEqual([null, 24]);
    expect(read()?.facts).toMatchObject({ relationshipType: "fork", parentSessionId: null });
  });

  test("is none where nothing is older than the session", () => {
    addMessage(db, "msg_1", { role: "assistant", tokens }, text("x"));
    expect(read()?.facts.relationshipType).toBeNull();
  });
});

describe("tokens", () => {
  test.each([
    ["apart from the output, by their total", { total: 124, input: 100, output: 20, reasoning: 4 }, 24],
    ["within the output, by their total", { total: 120, input: 100, output: 20, reasoning: 4 }, 20],
    ["without a total", { input: 100, output: 20, reasoning: 4 }, 24],
    ["of the wrong type", { input: "100", output: -1, reasoning: null }, null],
  ])("of reasoning %s", (_name, tokens, expected) => {
    addMessage(db, "msg_1", { role: "assistant", tokens }, text("x"));
    expect(messages()[0]?.usage?.outputTokens ?? null).toBe(expected);
  });

  test("of step-finish parts are those of the message, and not added", () => {
    const tokens = { input: 1, output: 2, reasoning: 0 };
    addMessage(db, "msg_1", { role: "assistant", tokens }, text("x"), { type: "step-finish", tokens });
    expect(messages().map(({ usage }) => usage?.outputTokens)).toEqual([2]);
  });
});

describe("tools", () => {
  test.each([
    [
      "apply_patch",
      { patchText: "*** Begin Patch\n*** Update File: a.ts\n*** Add File: b.ts\n" },
      "Edit",
      "a.ts, b.ts",
    ],
    ["question", { questions: [{ question: "Which one?" }] }, "Tool", "Which one?"],
    ["github_create_issue", { prompt: "title" }, "Tool", "title"],
    ["invalid", { tool: "bash", error: "no JSON" }, "Other", ""],
    ["read", { filePath: "/a/b.ts" }, "Read", "/a/b.ts"],
    ["codesearch", { query: "q" }, "Grep", "q"],
  ])("%s", (name, input, category, subject) => {
    addMessage(db, "msg_1", { role: "assistant" }, tool(name, input));
    expect(messages()[0]?.blocks[0]).toMatchObject({ name, category, subject });
  });

  test("without an id of their own do not share a result", () => {
    const call = { type: "tool", tool: "bash", state: { status: "completed", output: "x" } };
    addMessage(db, "msg_1", { role: "assistant" }, call, call);
    const ids = messages()[0]?.blocks.map((block) => "id" in block && block.id);
    expect(new Set(ids).size).toBe(2);
    expect(read()?.entries.flatMap((entry) => (entry.kind === "tool_result" ? entry.toolUseId : []))).toEqual(
      ids as string[],
    );
  });

  test("keep what their metadata and attachments hold out of memory, but for the subagent", () => {
    const asked: unknown[] = [];
    const rows = rowsOf(db);
    const more = { metadata: { sessionId: "ses_2", output: "m".repeat(99) }, attachments: ["a".repeat(99)] };
    addMessage(db, "msg_1", { role: "assistant" }, tool("task", {}, more));
    const all: typeof rows.all = (sql, ...values) => {
      const found = rows.all(sql, ...values);
      asked.push(...found);
      return found;
    };
    const session = openCode.read({ ...rows, all }, ID);
    expect(JSON.stringify(asked)).not.toMatch(/m{99}|a{99}/);
    expect(session?.entries.at(-1)).toMatchObject({ kind: "subagent", sessionId: "opencode:ses_2" });
  });
});

describe("damage", () => {
  test("is counted, and costs no more than its rows", () => {
    addMessage(db, "msg_1", { role: "user" }, text("one"), text("two"));
    addMessage(db, "msg_2", { role: "user" }, text("three"));
    db.exec(
      "UPDATE part SET data = '{\"type\":' WHERE id = 'prt_msg_1_1'; UPDATE message SET data = 7 WHERE id = 'msg_2'",
    );
    expect(messages().map(({ blocks }) => blocks)).toEqual([[text("one") as never]]);
    expect(read()?.facts.malformedLines).toBe(2);
  });

  test("may be JSON that is nested too deeply to be written again", () => {
    addMessage(db, "msg_1", { role: "assistant" }, text("x"));
    const deep = `{"type":"tool","tool":"bash","state":{"input":${'{"a":'.repeat(5000)}1${"}".repeat(5000)}}}`;
    db.prepare("INSERT INTO part VALUES ('prt_z', 'msg_1', 'ses_1', 0, 0, ?)").run(deep);
    expect(messages()).toHaveLength(1);
    expect(read()?.facts.malformedLines).toBe(1);
  });

  test("may be a number that no driver returns", () => {
    addMessage(db, "msg_1", { role: "user" }, text("x"));
    const absurd = "9223372036854775807";
    for (const table of ["session", "message", "part"])
      db.exec(`UPDATE ${table} SET time_updated = ${absurd}, time_created = ${absurd}`);
    expect([...openCode.sessions(rowsOf(db))]).toMatchObject([{ id: ID, writtenMs: 0 }]);
    expect(messages().map(({ timestamp }) => timestamp)).toEqual([null]);
  });

  test("may be a session that is its own parent", () => {
    db.exec("UPDATE session SET parent_id = id");
    expect(read()?.facts).toMatchObject({ parentSessionId: null, relationshipType: null });
  });

  test("of any kind in any column throws nothing", () => {
    const value = fc.oneof(fc.constant(null), fc.double(), fc.json(), fc.string(), fc.uint8Array());
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...COLUMNS), value), (values) => {
        addMessage(db, "msg_1", { role: "assistant" }, text("x"));
        for (const [column, of] of Object.entries(values)) {
          const [table = "", name = ""] = column.split(".");
          db.prepare(`UPDATE ${table} SET ${name} = ?`).run(of);
        }
        for (const { id, token } of openCode.sessions(rowsOf(db))) {
          openCode.read(rowsOf(db), id);
          expect(openCode.token(rowsOf(db), id)).toBe(token);
        }
        db.exec("DELETE FROM session; DELETE FROM message; DELETE FROM part");
        addSession(db, "ses_1");
      }),
    );
  });
});

const COLUMNS = [
  ...["directory", "title", "version", "revert", "parent_id", "time_created", "time_updated"].map(
    (name) => `session.${name}`,
  ),
  ...["time_created", "time_updated", "data"].flatMap((name) => [`message.${name}`, `part.${name}`]),
];

test("messages that are kept in a next form of storage are an error, not an empty session", () => {
  db.exec("CREATE TABLE session_message (id TEXT, session_id TEXT)");
  expect(read()?.entries).toEqual([]);
  db.exec("INSERT INTO session_message VALUES ('x', 'ses_1')");
  expect(read).toThrow("session_message");
});

describe("a token", () => {
  test("of a session without a number costs no count where changes are numbered", () => {
    db.exec("CREATE TABLE event_sequence (aggregate_id TEXT, seq INTEGER)");
    const asked: string[] = [];
    const rows = rowsOf(db);
    const all: typeof rows.all = (sql, ...values) => (asked.push(sql), rows.all(sql, ...values));
    const [listed] = openCode.sessions({ ...rows, all });
    expect(listed?.token).toBe(`rows:${MS}`);
    expect(asked.join()).not.toMatch(/\b(part|message)\b/);
  });

  test("is asked for with one query that uses indexes, however many sessions there are", () => {
    db.exec(`CREATE TABLE event_sequence (aggregate_id TEXT PRIMARY KEY, seq INTEGER);
      CREATE UNIQUE INDEX session_key ON session (id)`);
    for (let n = 2; n < 50; n += 1) addSession(db, `ses_${n}`);
    const plans: string[] = [];
    const rows = rowsOf(db);
    const all: typeof rows.all = (sql, ...values) => {
      plans.push(
        rows
          .all(`EXPLAIN QUERY PLAN ${sql}`, ...values)
          .map(({ detail }) => String(detail))
          .join("\n"),
      );
      return rows.all(sql, ...values);
    };
    openCode.token({ ...rows, all }, ID);
    expect(plans).toHaveLength(1);
    expect(plans[0]).not.toContain("SCAN");
  });
});
