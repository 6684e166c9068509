/** From a commit to a PostgreSQL archive to the frame that tells of it: told by its triggers, and found by polls. */

import { PostgresForeignArchive } from "../tests/support/postgres/foreign-archive.ts";
import { PostgresServer } from "../tests/support/postgres/server.ts";
import { Workspace } from "../tests/support/workspace.ts";
import { commitTo } from "./support/commits.ts";
import type { Pace } from "./support/commits.ts";
import type { Distribution, Figure, Setting } from "./support/figures.ts";
import { OBSERVERS } from "./support/observers.ts";

/** Commits before those that count. */
const WARM_UP = 40;
const TOLD: Pace = { commits: 300 + WARM_UP, minMs: 5, maxMs: 60 };
const POLLED: Pace = { commits: 60, minMs: 300, maxMs: 900 };
/** The default of `--poll-interval`. */
const POLL_MS = 1500;
/** In the archive; one of them is followed. */
const SESSIONS = 1000;

export async function pgLatency({ binary }: Setting): Promise<Figure[]> {
  // As a server is by default: it waits for the disk.
  await using server = await PostgresServer.start({ settings: ["fsync = on"] });
  const figures: Distribution[] = [];
  for (const isTold of [true, false]) {
    for (const [seen, observe] of Object.entries(OBSERVERS)) {
      using workspace = new Workspace();
      await using archive = await makeArchive(server, isTold);
      const args = ["--db", archive.url, "--no-sync"];
      await using observer = await observe({ binary, env: workspace.env, id: "s1", args });
      const changes = await commitTo(archive.url, archive.schema, "s1", isTold ? TOLD : POLLED);
      await observer.arrivals.reached(changes.at(-1)?.messageCount ?? 0);
      const samplesMs = observer.arrivals.latencies(changes);
      figures.push(
        isTold
          ? {
              what: `commit → ${seen}, with triggers`,
              samplesMs: samplesMs.slice(WARM_UP),
              aim: { medianMs: 5, p99Ms: 30 },
            }
          : {
              what: `commit → ${seen}, without`,
              samplesMs,
              aim: { medianMs: POLL_MS, p99Ms: POLL_MS + 20 },
            },
      );
    }
  }
  return figures;
}

async function makeArchive(server: PostgresServer, isTold: boolean): Promise<PostgresForeignArchive> {
  const archive = await PostgresForeignArchive.create(server);
  await archive.sql.unsafe(
    `INSERT INTO ${archive.table("sessions")} (id, machine, project, agent, message_count)
     SELECT 's' || n, 'm', 'p', 'claude', 0 FROM generate_series(1, ${SESSIONS}) AS n`,
  );
  if (isTold) await archive.tell();
  return archive;
}
