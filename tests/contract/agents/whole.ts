/** What must come of sessions that are read as a whole, from documents and databases, as they are written. */

import { cpSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { DatabaseAgent, DocumentAgent, WholeSession } from "../../../src/agents/agent.ts";
import { hurriedClock } from "../../support/clock.ts";
import { rowsOf } from "../../support/rows.ts";
import { scaled } from "../../support/scale.ts";
import { SyncedArchive } from "../../support/synced.ts";
import { Workspace } from "../../support/workspace.ts";
import { importContract } from "./import.ts";

/** @param home recordings of the agent, in the layout of a home folder. */
export function wholeContract(agent: DatabaseAgent | DocumentAgent, home: string): void {
  const files = filesIn(home);
  const surroundings = { env: {}, home, folders: [...new Set(files.map((path) => dirname(path)))] };
  const places = new Set(
    agent.kind === "document" ? agent.documents(surroundings) : agent.databases(surroundings),
  );
  const paths = files.filter((path) => places.has(path));
  test("has recordings", () => expect(paths.length).toBeGreaterThan(0));
  describe("its recordings", () => importContract(agent, home, null));

  test("piece by piece, across restarts, ends equal to one full import", async () => {
    const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), cuts, fc.boolean(), async (path, cuts, restarts) => {
        using workspace = new Workspace();
        const target = join(workspace.home, relative(home, path));
        mkdirSync(dirname(target), { recursive: true });
        await using synced = syncedOf(workspace, agent);
        for (const [piece, share] of [...cuts.toSorted((a, b) => a - b), 1].entries()) {
          if (agent.kind === "document") writeText(target, readFileSync(path), share, piece);
          else writeRows(target, path, share);
          if (restarts) synced.restart();
          const { failures } = await synced.engine.syncAll();
          // A part of a document may be incomplete.
          if (agent.kind === "database" || share === 1) expect(failures).toEqual([]);
        }
        await synced.expectLikeFullImport();
      }),
      { numRuns: scaled(20, 8) },
    );
  });

  test("a session that has not changed is not written again", async () => {
    using workspace = new Workspace();
    cpSync(home, workspace.home, { recursive: true });
    await using synced = syncedOf(workspace, agent);
    await synced.engine.syncAll();
    const written: string[] = [];
    for (const path of paths)
      utimesSync(join(workspace.home, relative(home, path)), 2_000_000_000, 2_000_000_000);
    synced.restart().engine.onSynced(({ id }) => written.push(id));
    await synced.engine.syncAll();
    // Of a document, the last session is known to be written when the file was.
    expect(written.length).toBeLessThanOrEqual(agent.kind === "document" ? paths.length : 0);
  });

  test("takes damage without a failure", () => {
    const damage = fc.array(fc.record({ at: fc.nat(), byte: fc.nat(255) }), { maxLength: 50 });
    fc.assert(
      fc.property(
        fc.constantFrom(...paths),
        damage,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (path, damage, share) => {
          if (agent.kind === "document") {
            const bytes = readFileSync(path);
            for (const { at, byte } of damage) bytes[at % bytes.length] = byte;
            const text = bytes.subarray(0, Math.ceil(bytes.length * share)).toString();
            for (const { id } of readOrIncomplete(agent, text)) expect(id).toStartWith(agent.name);
          } else {
            using damaged = damagedDatabase(path, damage);
            const rows = rowsOf(damaged.db);
            for (const { id } of agent.sessions(rows)) agent.read(rows, id);
          }
        },
      ),
      { numRuns: scaled(50, 20) },
    );
  });
}

/** A document that is not complete may be refused, with a SyntaxError and nothing else. */
function readOrIncomplete(agent: DocumentAgent, text: string): WholeSession[] {
  try {
    return agent.read(text, { path: "/home/x", writtenMs: 0 });
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

function syncedOf(workspace: Workspace, agent: DatabaseAgent | DocumentAgent): SyncedArchive {
  return new SyncedArchive(workspace.archive, workspace.home, { agent, clock: hurriedClock, folder: "home" });
}

/** The beginning of a document; each piece has a time of its own. */
function writeText(target: string, bytes: Buffer, share: number, piece: number): void {
  writeFileSync(target, bytes.subarray(0, Math.ceil(bytes.length * share)));
  const seconds = Date.UTC(2026, 10, 1) / 1000 + piece;
  utimesSync(target, seconds, seconds);
}

/** The first rows of each table that knows its rows by an id, in the order in which they came. */
function writeRows(target: string, path: string, share: number): void {
  using source = new Database(path);
  using copy = new Database(target);
  copy.db.exec("BEGIN");
  const tables = source.db
    .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql IS NOT NULL")
    .all();
  for (const { name, sql } of tables) {
    const columns = source.db.prepare("SELECT name FROM pragma_table_info(?)").all(String(name));
    if (!columns.some((column) => column["name"] === "id")) continue;
    copy.db.exec(String(sql).replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS"));
    const all = source.db.prepare(`SELECT * FROM "${String(name)}" ORDER BY rowid`).all();
    const places = columns.map(() => "?").join(", ");
    const insert = copy.db.prepare(`INSERT OR REPLACE INTO "${String(name)}" VALUES (${places})`);
    for (const row of all.slice(0, Math.ceil(all.length * share))) insert.run(...Object.values(row));
  }
  copy.db.exec("COMMIT");
}

class Database implements Disposable {
  readonly db: DatabaseSync;

  constructor(path: string) {
    this.db = new DatabaseSync(path, { enableForeignKeyConstraints: false });
    // Nothing has to survive a power cut: waiting for the disk took most of the time.
    this.db.exec("PRAGMA synchronous = OFF");
  }

  [Symbol.dispose](): void {
    this.db.close();
  }
}

/** A copy in memory, in which some texts have other bytes. */
function damagedDatabase(path: string, damage: readonly { at: number; byte: number }[]): Database {
  const damaged = new Database(":memory:");
  damaged.db.exec(`ATTACH '${path.replaceAll("'", "''")}' AS source`);
  const tables = damaged.db.prepare("SELECT name, sql FROM source.sqlite_schema WHERE type = 'table'").all();
  for (const { name, sql } of tables) {
    if (typeof sql !== "string") continue;
    damaged.db.exec(sql);
    damaged.db.exec(`INSERT INTO main."${String(name)}" SELECT * FROM source."${String(name)}"`);
    const texts = damaged.db
      .prepare(`SELECT name FROM pragma_table_info(?) WHERE type = 'text' AND name <> 'id'`)
      .all(String(name));
    for (const [index, { at, byte }] of damage.entries()) {
      const column = texts[index % Math.max(texts.length, 1)]?.["name"];
      if (column === undefined || String(column).endsWith("_id")) continue;
      const replacement = [String.fromCodePoint(byte), "NULL", "{", "[1]"][at % 4] ?? "";
      damaged.db
        .prepare(
          `UPDATE main."${String(name)}" SET "${String(column)}" = replace("${String(column)}", '"', ?) WHERE rowid % 5 = ?`,
        )
        .run(replacement, at % 5);
    }
  }
  return damaged;
}

function filesIn(home: string): string[] {
  return readdirSync(home, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
