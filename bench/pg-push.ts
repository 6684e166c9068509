/** What the triggers of `watch pg install` cost whoever pushes many sessions at once, as agentsview does. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { channelOf } from "../src/stores/postgres/notify/trigger.ts";
import { PostgresForeignArchive } from "../tests/support/postgres/foreign-archive.ts";
import { PostgresServer } from "../tests/support/postgres/server.ts";
import { nowMs } from "./support/clock.ts";
import { percentile } from "./support/figures.ts";
import type { Figure, Setting } from "./support/figures.ts";

const SESSIONS = 10_000;
/** Statements in a transaction. */
const BATCH = 100;
/** Rounds in which each push is done in each setup; the first one does not count. */
const ROUNDS = 12;
const LISTENERS = 3;

/** Done again and again, on the same archive. */
const PUSHES: Record<string, (archive: PostgresForeignArchive) => Promise<void>> = {
  [`${SESSIONS} upserts in transactions of ${BATCH}`]: pushOneByOne,
  [`UPDATE of ${SESSIONS} rows`]: updateAll,
  [`INSERT of ${SESSIONS} rows`]: insertAll,
};

/** In the order in which they take turns. */
const SETUPS = ["without", "with the triggers", `with them and ${LISTENERS} listeners`] as const;

export async function pgPush({ binary }: Setting): Promise<Figure[]> {
  // Where commits cost nothing, everything else costs the more.
  await using server = await PostgresServer.start({
    settings: ["shared_buffers = 256MB", "autovacuum = off"],
  });
  await using archive = await PostgresForeignArchive.create(server);
  await insertAll(archive);
  const installed = Bun.spawnSync([binary, "pg", "install", "--db", archive.url]);
  if (installed.exitCode !== 0) throw new Error(`watch pg install: ${installed.stderr}`);

  const runs = Object.keys(PUSHES).map(() => SETUPS.map((): Cost[] => []));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [column, setup] of SETUPS.entries()) {
      await using _listeners = setup === SETUPS[2] ? await listen(archive) : null;
      await archive.sql.unsafe(
        `ALTER TABLE ${archive.table("sessions")} ${setup === SETUPS[0] ? "DISABLE" : "ENABLE"} TRIGGER USER`,
      );
      for (const [row, push] of Object.values(PUSHES).entries()) {
        const cost = await measure(archive, push);
        if (round > 0) runs[row]?.[column]?.push(cost);
      }
    }
  }
  return Object.keys(PUSHES).flatMap((what, row) => figuresOf(what, runs[row] ?? []));
}

/** What a push took: in all, and of it the processor's time that the server needed. Both in ms. */
interface Cost {
  tookMs: number;
  serverMs: number;
}

/** Nothing of what came before it is left to be done. */
async function measure(
  archive: PostgresForeignArchive,
  push: (archive: PostgresForeignArchive) => Promise<void>,
): Promise<Cost> {
  if (push === insertAll) await archive.sql.unsafe(`TRUNCATE ${archive.table("sessions")} CASCADE`);
  await archive.sql.unsafe(`VACUUM ANALYZE ${archive.table("sessions")}`);
  await archive.sql`CHECKPOINT`;
  const [row] = await archive.sql`SELECT pg_backend_pid() AS pid`;
  const serverMs = (): number =>
    Number(readFileSync(`/proc/${row?.["pid"]}/schedstat`, "utf8").split(" ")[0]) / 1e6;
  const [startedMs, serverStartedMs] = [nowMs(), serverMs()];
  await push(archive);
  return { tookMs: nowMs() - startedMs, serverMs: serverMs() - serverStartedMs };
}

function figuresOf(what: string, setups: readonly (readonly Cost[])[]): Figure[] {
  const [before = Number.NaN, ...others] = setups.map((costs) =>
    percentile(
      costs.map(({ serverMs }) => serverMs),
      0.5,
    ),
  );
  return [
    ...setups.map((costs, column) => ({
      what: `${what}, ${SETUPS[column]}`,
      samplesMs: costs.map(({ tookMs }) => tookMs),
    })),
    { what: "  the server's processor time, without", value: `${before.toFixed(0)} ms` },
    ...others.map((ms, other) => {
      const more = `${((ms / before - 1) * 100).toFixed(0)} %, ${(((ms - before) / SESSIONS) * 1000).toFixed(1)} µs a session`;
      return {
        what: `  the server's processor time, ${SETUPS[other + 1]}`,
        value: `${ms.toFixed(0)} ms: more by ${more}`,
      };
    }),
  ];
}

async function pushOneByOne(archive: PostgresForeignArchive): Promise<void> {
  const upsert = `INSERT INTO ${archive.table("sessions")} (id, machine, project, agent, first_message, started_at, ended_at, message_count)
    VALUES ($1, 'laptop', 'demo', 'claude', 'hello', now(), now(), 2)
    ON CONFLICT (id) DO UPDATE SET machine = EXCLUDED.machine, project = EXCLUDED.project, agent = EXCLUDED.agent,
      first_message = EXCLUDED.first_message, ended_at = EXCLUDED.ended_at,
      message_count = EXCLUDED.message_count, updated_at = now()`;
  for (let first = 0; first < SESSIONS; first += BATCH)
    await archive.sql.begin(async (sql) => {
      for (let n = first; n < first + BATCH; n += 1) await sql.unsafe(upsert, [idOf(n)], { prepare: true });
    });
}

async function updateAll(archive: PostgresForeignArchive): Promise<void> {
  await archive.sql.unsafe(
    `UPDATE ${archive.table("sessions")} SET message_count = message_count + 1, updated_at = now()`,
  );
}

async function insertAll(archive: PostgresForeignArchive): Promise<void> {
  await archive.sql.unsafe(
    `INSERT INTO ${archive.table("sessions")} (id, machine, project, agent, first_message, started_at, ended_at, message_count)
     SELECT 'codex:019e0000-0000-7000-8000-' || lpad(n::text, 12, '0'), 'laptop', 'demo', 'claude', 'hello', now(), now(), 1
     FROM generate_series(0, ${SESSIONS - 1}) AS n`,
  );
}

function idOf(n: number): string {
  return `codex:019e0000-0000-7000-8000-${String(n).padStart(12, "0")}`;
}

async function listen({
  sql,
  url,
  ...archive
}: PostgresForeignArchive): Promise<Bun.Subprocess<"ignore", "pipe", "inherit">> {
  const [row] = await sql`SELECT ${`${archive.schema}.sessions`}::text::regclass::oid AS id`;
  const script = join(import.meta.dir, "support/pg-listeners.ts");
  const listeners = Bun.spawn(
    [process.execPath, script, url, channelOf(Number(row?.["id"])), String(LISTENERS)],
    { stdin: "ignore", stdout: "pipe", stderr: "inherit" },
  );
  for await (const _line of listeners.stdout) break;
  return listeners;
}
