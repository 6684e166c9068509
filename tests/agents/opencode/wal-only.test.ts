/** A database whose rows are all in its write-ahead log. */

import { expect, test } from "bun:test";
import { cpSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openCode } from "../../../src/agents/opencode/opencode.ts";
import { FIXTURES } from "../../support/recordings.ts";
import { rowsOf } from "../../support/rows.ts";
import { Workspace } from "../../support/workspace.ts";

test("sessions() and read() find what stands in the write-ahead log alone", () => {
  const recorded = join(FIXTURES, "opencode-wal-only");
  expect(statSync(join(recorded, "opencode.db")).size).toBe(4096);
  using workspace = new Workspace();
  for (const file of ["opencode.db", "opencode.db-wal"])
    cpSync(join(recorded, file), join(workspace.home, file));
  const db = new DatabaseSync(join(workspace.home, "opencode.db"), { readOnly: true });
  try {
    const rows = rowsOf(db);
    const counts = Iterator.from(openCode.sessions(rows)).map(({ id }) => [id, countsOf(rows, id)]);
    expect(Object.fromEntries(counts)).toEqual(
      JSON.parse(readFileSync(join(recorded, "sessions.json"), "utf8")),
    );
  } finally {
    db.close();
  }
});

function countsOf(rows: ReturnType<typeof rowsOf>, id: string) {
  const entries = openCode.read(rows, id)?.entries ?? [];
  const messages = entries.filter((entry) => entry.kind === "message");
  const calls = messages.flatMap(({ blocks }) => blocks).filter(({ type }) => type === "tool_use");
  return {
    message_count: messages.length,
    user_message_count: messages.filter(({ role, isSystem }) => role === "user" && !isSystem).length,
    tool_calls: calls.length,
    total_output_tokens: messages.reduce((sum, { usage }) => sum + (usage?.outputTokens ?? 0), 0),
    peak_context_tokens: Math.max(...messages.map(({ usage }) => usage?.contextTokens ?? 0)),
  };
}
