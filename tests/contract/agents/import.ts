/** What an import of an agent's recordings must give. */

import { existsSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Agent } from "../../../src/agents/agent.ts";
import { expectNoFaults } from "../../support/archive-image.ts";
import { hurriedClock } from "../../support/clock.ts";
import type { Recording } from "../../support/recordings.ts";
import { SyncedArchive } from "../../support/synced.ts";
import { testUnless } from "../../support/unless.ts";
import { Workspace } from "../../support/workspace.ts";
import { idOf } from "./place.ts";

/** @param recordings null where they are not files of their own. */
export function importContract(agent: Agent, home: string, recordings: readonly Recording[] | null): void {
  let workspace: Workspace;
  let synced: SyncedArchive;
  beforeAll(async () => {
    workspace = new Workspace();
    synced = new SyncedArchive(workspace.archive, home, { agent, clock: hurriedClock, folder: "home" });
    expect((await synced.engine.syncAll()).failures).toEqual([]);
  });
  afterAll(async () => {
    await synced[Symbol.asyncDispose]();
    workspace[Symbol.dispose]();
  });

  /** Nothing may be found; what is found is told. */
  function expectNone(sql: string): void {
    expect(synced.query(sql)).toEqual([]);
  }

  test("are imported, every session of them", async () => {
    const { sessions, failures } = await synced.engine.list();
    expect(failures).toEqual([]);
    const ids = synced.query("SELECT DISTINCT session_id FROM sync_files").map((row) => row["session_id"]);
    expect(ids.sort()).toEqual(sessions.map(({ id }) => id).sort());
    expect(ids.length).toBeGreaterThan(0);
  });

  const obstacle = recordings === null ? "the recordings are not files of their own" : null;
  testUnless(obstacle)("are imported, every file of them", () => {
    if (recordings === null) return;
    const files = recordings.flatMap(({ files }) => files.map(({ place: { id, part } }) => `${id} ${part}`));
    const imported = synced.query("SELECT session_id, path FROM sync_files").map(({ session_id, path }) => {
      const file = recordings
        .flatMap(({ files }) => files)
        .find((file) => file.path === relative(home, String(path)));
      return `${String(session_id)} ${file?.place.part}`;
    });
    expect(imported.sort()).toEqual([...new Set(files)].sort());
    expect(synced.query("SELECT id FROM messages LIMIT 1")).toHaveLength(1);
  });

  test("become sessions of this agent, with ids as an archive writes them", () => {
    const rows = synced.query("SELECT id, agent, parent_session_id FROM sessions");
    for (const { id, agent: name, parent_session_id: parent } of rows) {
      expect(name).toBe(agent.name);
      for (const value of [id, parent]) if (value !== null) expect(String(value)).toMatch(idOf(agent));
    }
    for (const row of synced.query("SELECT DISTINCT subagent_session_id AS id FROM tool_calls"))
      if (row["id"] !== null) expect(String(row["id"])).toMatch(idOf(agent));
  });

  test("give sessions that count what they hold", () => {
    expectNoFaults(synced.path);
    expectNone(`SELECT id FROM sessions WHERE peak_context_tokens <
      (SELECT COALESCE(max(context_tokens), 0) FROM messages WHERE session_id = sessions.id)`);
    expectNone("SELECT id FROM sessions WHERE user_message_count > message_count");
  });

  test("give sessions with plausible times, folders and relations", () => {
    expectNone(
      "SELECT id FROM sessions WHERE started_at > ended_at OR (started_at IS NULL) != (ended_at IS NULL)",
    );
    for (const { started_at, ended_at, timestamp } of synced.query(
      "SELECT started_at, ended_at, timestamp FROM sessions LEFT JOIN messages ON session_id = sessions.id",
    ))
      for (const time of [started_at, ended_at, timestamp])
        if (time !== null) expect(new Date(String(time)).toISOString()).toBe(String(time));
    expectNone("SELECT id FROM sessions WHERE (cwd IS NULL) != (project = '')");
    expectNone("SELECT id FROM sessions WHERE length(first_message) > 300 OR first_message = ''");
    expectNone("SELECT id FROM sessions WHERE parent_session_id = id");
    expectNone("SELECT id FROM sessions WHERE parent_session_id IS NOT NULL AND relationship_type = ''");
    expectNone(`SELECT id FROM sessions
      WHERE relationship_type NOT IN ('', 'subagent', 'fork', 'continuation')`);
  });

  test("give messages and tool calls that belong together", () => {
    expectNone(
      "SELECT session_id, ordinal FROM messages WHERE role NOT IN ('user', 'assistant') OR source_type = ''",
    );
    expectNone(`SELECT call.id FROM tool_calls AS call LEFT JOIN messages ON messages.id = message_id
      WHERE messages.session_id IS NOT call.session_id OR has_tool_use IS NOT 1 OR role IS NOT 'assistant'`);
    expectNone(`SELECT session_id, ordinal FROM messages AS message
      WHERE has_tool_use != EXISTS (SELECT 1 FROM tool_calls WHERE message_id = message.id)`);
    expectNone(`SELECT id FROM tool_calls WHERE tool_name = '' OR NOT json_valid(input_json) OR category
      NOT IN ('Read', 'Edit', 'Write', 'Bash', 'Grep', 'Glob', 'Task', 'Tool', 'Other')`);
    expectNone("SELECT id FROM tool_calls WHERE subagent_session_id = session_id");
  });

  const facts = factsIn(home);
  for (const [id, { tool_calls: calls, ...columns }] of Object.entries(facts))
    test(`hold what is known of ${id}`, () => {
      const [session = {}] = synced.query("SELECT * FROM sessions WHERE id = ?", id);
      const found = Object.fromEntries(Object.keys(columns).map((name) => [name, plain(session[name])]));
      expect(found).toEqual(columns);
      const [{ count } = {}] = synced.query(
        "SELECT count(*) AS count FROM tool_calls WHERE session_id = ?",
        id,
      );
      if (calls !== undefined) expect(plain(count)).toBe(calls);
    });
}

/** Columns of a session's row, and how many tool calls it has: any of them, counted without our parser. */
interface KnownFacts {
  tool_calls?: number;
  [column: string]: string | number | null | undefined;
}

function factsIn(home: string): Record<string, KnownFacts> {
  const path = join(home, "sessions.json");
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Record<string, KnownFacts>) : {};
}

function plain(value: unknown): unknown {
  return typeof value === "bigint" ? Number(value) : value;
}
