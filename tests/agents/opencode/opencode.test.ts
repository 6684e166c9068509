import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { DatabaseSync } from "node:sqlite";
import { openCode } from "../../../src/agents/opencode/opencode.ts";
import type { MessageEntry } from "../../../src/session/entries.ts";
import { rowsOf } from "../../support/rows.ts";

const ID = "opencode:ses_1";
const MS = Date.UTC(2026, 0, 1);

let db: DatabaseSync;
let parts: number;
beforeEach(() => {
  parts = 0;
  db = new DatabaseSync(":memory:");
  db.exec(`
    CREATE TABLE session (id TEXT, parent_id TEXT, directory TEXT, title TEXT, version TEXT, revert TEXT,
      time_created INTEGER, time_updated INTEGER);
    CREATE TABLE message (id TEXT, session_id TEXT, time_created INTEGER, time_updated INTEGER, data TEXT);
    CREATE TABLE part (id TEXT, message_id TEXT, session_id TEXT, time_created INTEGER, time_updated INTEGER, data TEXT)`);
  session("ses_1");
});
afterEach(() => db.close());

function session(id: string, columns: Record<string, string | number> = {}): void {
  const row = {
    id,
    directory: "/home/me/pay-api",
    title: "A title",
    time_created: MS,
    time_updated: MS,
    ...columns,
  };
  const names = Object.keys(row);
  db.prepare(`INSERT INTO session (${names.join()}) VALUES (${names.map(() => "?").join()})`).run(
    ...Object.values(row),
  );
}

function message(id: string, data: object, ...content: object[]): void {
  const at = MS + Number(id.replaceAll(/\D/g, "")) * 1000;
  db.prepare("INSERT INTO message VALUES (?, 'ses_1', ?, ?, ?)").run(id, at, at, JSON.stringify(data));
  for (const part of content) {
    parts += 1;
    const id2 = `prt_${String(parts).padStart(3, "0")}`;
    db.prepare("INSERT INTO part VALUES (?, ?, 'ses_1', ?, ?, ?)").run(id2, id, at, at, JSON.stringify(part));
  }
}

function read(id = ID) {
  return openCode.read(rowsOf(db), id);
}

function messages(): MessageEntry[] {
  return (read()?.entries ?? []).filter((entry) => entry.kind === "message");
}

const text = (value: string, more: object = {}) => ({ type: "text", text: value, ...more });

describe("read()", () => {
  test("orders messages by time, then id, and parts by id", () => {
    message("msg_2", { role: "assistant" }, text("second"), text("third"));
    message("msg_1", { role: "user" }, text("first"));
    expect(messages().map(({ blocks }) => blocks.map((block) => "text" in block && block.text))).toEqual([
      ["first"],
      ["second", "third"],
    ]);
  });

  test("what the program adds to a prompt, no person has typed", () => {
    message("msg_1", { role: "user" }, text("look at it"), text("contents", { synthetic: true }));
    message("msg_2", { role: "user" }, { type: "compaction", auto: true });
    expect(messages().map(({ isSystem, sourceSubtype }) => [isSystem, sourceSubtype])).toEqual([
      [false, null],
      [true, "synthetic"],
      [true, "compaction"],
    ]);
    expect(read()?.facts.firstMessage).toBe("look at it");
  });

  test("an attached file is named, and its bytes are left where they are", () => {
    message(
      "msg_1",
      { role: "user" },
      { type: "file", filename: "a.png", url: `data:image/png;base64,${"A".repeat(99)}` },
    );
    expect(JSON.stringify(read())).toContain("[file: a.png]");
    expect(JSON.stringify(read())).not.toContain("base64");
  });

  test("a call and its result are one part, which is a result only when it has ended", () => {
    const tool = (callID: string, state: object) => ({ type: "tool", tool: "bash", callID, state });
    message(
      "msg_1",
      { role: "assistant" },
      tool("c1", { status: "completed", input: { command: "ls" }, output: "a" }),
      tool("c2", { status: "error", input: {}, error: "denied" }),
      tool("c3", { status: "running", input: {} }),
    );
    expect(read()?.entries.filter(({ kind }) => kind === "tool_result")).toEqual([
      { kind: "tool_result", toolUseId: "c1", content: "a" },
      { kind: "tool_result", toolUseId: "c2", content: "denied" },
    ]);
    expect(messages()[0]?.blocks[0]).toMatchObject({ category: "Bash", subject: "ls" });
  });

  test("a task names the session that it has started", () => {
    const state = { status: "running", input: { description: "help" }, metadata: { sessionId: "ses_2" } };
    message("msg_1", { role: "assistant" }, { type: "tool", tool: "task", callID: "c1", state });
    expect(read()?.entries).toContainEqual({
      kind: "subagent",
      toolUseId: "c1",
      sessionId: "opencode:ses_2",
    });
    session("ses_2", { parent_id: "ses_1" });
    expect(read("opencode:ses_2")?.facts).toMatchObject({
      parentSessionId: ID,
      relationshipType: "subagent",
    });
  });

  test("counts what a model has read with its cache, and what it has thought with what it has written", () => {
    const tokens = { input: 100, output: 20, reasoning: 4, cache: { read: 50, write: 7 } };
    message("msg_1", { role: "assistant", modelID: "m", tokens, summary: true }, text("x"));
    expect(messages()[0]).toMatchObject({
      model: "m",
      isCompactBoundary: true,
      usage: { contextTokens: 157, outputTokens: 24 },
    });
  });

  test("hides what a person has taken back, from a message or from a part on", () => {
    message("msg_1", { role: "user" }, text("one"));
    message("msg_2", { role: "assistant" }, text("two"), text("half"));
    message("msg_3", { role: "user" }, text("three"));
    db.exec(`UPDATE session SET revert = '{"messageID":"msg_2"}'`);
    expect(messages().map(({ isSidechain }) => isSidechain)).toEqual([false, true, true]);
    db.exec(`UPDATE session SET revert = '{"messageID":"msg_2","partID":"prt_003"}'`);
    expect(messages().map(({ isSidechain, blocks }) => [isSidechain, blocks.length])).toEqual([
      [false, 1],
      [false, 1],
      [true, 1],
    ]);
  });

  test.each([
    ["New session - 2026-01-01T00:00:00.000Z", null],
    ["Child session - 2026-01-01T00:00:00.000Z", null],
    ["Fix the build", "Fix the build"],
  ])("takes %p for %p", (title, expected) => {
    db.prepare("UPDATE session SET title = ?").run(title);
    expect(read()?.facts.title).toBe(expected);
  });

  test("knows the folder, its project, and times", () => {
    message("msg_9", { role: "user" }, text("x"));
    expect(read()?.facts).toMatchObject({
      cwd: "/home/me/pay-api",
      project: "pay_api",
      startedAt: "2026-01-01T00:00:00.000Z",
      endedAt: "2026-01-01T00:00:09.000Z",
    });
  });

  test("makes do with fewer columns, damaged JSON, and no tables at all", () => {
    message("msg_1", { role: "user" }, text("x"));
    db.exec(
      "UPDATE part SET data = '{'; ALTER TABLE session DROP COLUMN revert; ALTER TABLE part DROP COLUMN time_updated",
    );
    expect(read()?.entries).toEqual([]);
    db.exec("DROP TABLE part; DROP TABLE message");
    expect(read()?.entries).toEqual([]);
    db.exec("DROP TABLE session");
    expect([read(), [...openCode.sessions(rowsOf(db))]]).toEqual([null, []]);
  });
});

describe("a session's token", () => {
  const token = () => openCode.token(rowsOf(db), ID);

  test("changes with every part that is added, changed in place or deleted", () => {
    message("msg_1", { role: "assistant" }, text("x"), text("y"));
    const tokens = [token()];
    for (const change of [
      `UPDATE part SET data = '{}', time_updated = time_updated + 1 WHERE id = 'prt_001'`,
      "DELETE FROM part WHERE id = 'prt_001'",
      "UPDATE session SET time_updated = time_updated + 1",
    ]) {
      db.exec(change);
      tokens.push(token());
    }
    expect(new Set(tokens).size).toBe(tokens.length);
    expect(token()).toBe(tokens.at(-1) ?? "");
  });

  test("is the number of its last change, where changes are numbered", () => {
    db.exec(
      "CREATE TABLE event_sequence (aggregate_id TEXT, seq INTEGER); INSERT INTO event_sequence VALUES ('ses_1', 7)",
    );
    const before = token();
    db.exec("UPDATE event_sequence SET seq = 8");
    expect([before, token()]).toEqual([`seq:7:${MS}`, `seq:8:${MS}`]);
  });

  test("of an old session costs no look at its parts", () => {
    session("ses_new", { time_updated: MS + 30 * 24 * 3_600_000 });
    const asked: string[] = [];
    const rows = rowsOf(db);
    const counted = {
      ...rows,
      all: (sql: string, ...values: string[]) => (asked.push(sql), rows.all(sql, ...values)),
    };
    const tokens = [...openCode.sessions(counted)];
    expect(tokens.length).toBe(2);
    expect(asked.filter((sql) => sql.includes("FROM part")).length).toBe(1);
  });
});

test("databases() are where OpenCode keeps them", () => {
  const of = (env: Record<string, string>) => openCode.databases({ env, home: "/home/me" });
  expect(of({})[0]).toBe("/home/me/.local/share/opencode/opencode.db");
  expect(of({ XDG_DATA_HOME: "/data" })[0]).toBe("/data/opencode/opencode.db");
  expect(of({ OPENCODE_DIR: "/oc" })[0]).toBe("/oc/opencode.db");
  expect(of({ OPENCODE_DB: "mine.db", OPENCODE_DIR: "/oc" })).toEqual(["/oc/mine.db"]);
  expect(of({ OPENCODE_DB: "/x/mine.db" })).toEqual(["/x/mine.db"]);
  expect(of({ OPENCODE_DB: ":memory:" })).toEqual([]);
});
