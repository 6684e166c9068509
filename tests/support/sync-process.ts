/** A process that syncs all transcripts of its environment: `sync-process.ts WHERE [forever]`. @see Where */

import { homedir } from "node:os";
import process from "node:process";
import { AGENTS } from "../../src/agents/registry.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { systemAddress } from "../../src/stores/postgres/connect/archive-address.ts";
import { ArchiveWriter } from "../../src/stores/postgres/write/writer.ts";
import { openSqlite } from "../../src/stores/sqlite/open.ts";
import { SyncEngine } from "../../src/sync/engine.ts";
import type { ArchiveWriting } from "../../src/watch/archive.ts";

/** The archive, as JSON. */
export type Where = { path: string; machine: string } | { url: string; schema: string; machine: string };

const [where = "{}", mode] = process.argv.slice(2);
const archive = open(JSON.parse(where) as Where);
const { env } = process;
const surroundings = { env, home: env["HOME"] ?? homedir() };
const engine = new SyncEngine(archive, AGENTS, surroundings, { clock: systemClock });
engine.onSynced(({ id }) => console.log(id));
await syncAll();
if (mode === "forever") for (;;) await syncAll();
await archive.close();

async function syncAll(): Promise<void> {
  const { failures } = await engine.syncAll();
  for (const { path, error } of failures) console.error(`${path}: ${String(error)}`);
}

function open(where: Where): ArchiveWriting & { close(): Promise<void> } {
  const { machine } = where;
  if ("url" in where)
    return new ArchiveWriter(systemAddress(where.url), systemClock, { schema: where.schema, machine });
  const { archive } = openSqlite(where.path, {
    isDefault: true,
    readOnly: false,
    clock: systemClock,
    machine,
  });
  if (archive === undefined) throw new Error("our own archive can be written");
  return archive;
}
