/** A server whose connections to a PostgreSQL archive are lost again and again has no more of anything at the end. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "bun:test";
import { PostgresForeignArchive } from "../support/postgres/foreign-archive.ts";
import { sharedServer } from "../support/postgres/server.ts";
import { BINARY, serve, until } from "../support/program.ts";
import { Proxy } from "../support/proxy.ts";
import { scaled } from "../support/scale.ts";
import { openCrowd } from "../support/sse-crowd.ts";
import { Workspace } from "../support/workspace.ts";

const CYCLES = scaled(100, 30);
/** Until everything is there that stays. */
const FIRST_CYCLES = 30;
/** To poll and to listen; nobody asks for lists here. */
const BACKENDS = 2;
/** How many more files it may have open, and how much more memory (a factor) it may take. */
const MORE_FILES = 2;
const GROWTH = 1.1;

const WAYS: [how: string, lose: (archive: PostgresForeignArchive, proxy: Proxy) => Promise<unknown>][] = [
  [
    "terminated",
    ({ sql, database }) =>
      sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = ${database} AND application_name LIKE 'sessionwatch%'`,
  ],
  ["cut", async (_archive, proxy) => proxy.cut()],
];

describe.concurrent("watch serve, whose connections to PostgreSQL", () => {
  for (const [how, lose] of WAYS) {
    test(`are ${how} ${CYCLES} times`, async () => {
      await using archive = await PostgresForeignArchive.create(await sharedServer());
      await archive.add("a");
      await archive.tell();
      using workspace = new Workspace();
      await using proxy = await Proxy.before(archive.url);
      const db = archive.url.replace(/:\d+\//, `:${proxy.port}/`);
      // Nothing is found by a poll in time: whatever is told was heard.
      const { program, url } = await serve(BINARY, workspace.env, ["--db", db, "--poll-interval", "600s"]);
      await using serving = program;
      const crowd = await openCrowd(url, ["a"]);
      let lost = new Set<number>();

      const cycle = async (): Promise<void> => {
        lost = new Set(await backends(archive));
        await lose(archive, proxy);
        await isBack();
      };
      const isBack = async (): Promise<void> => {
        await until(
          async () => {
            const pids = await backends(archive);
            return pids.length === BACKENDS && pids.every((pid) => !lost.has(pid));
          },
          () => `new connections; ${serving.stderr}`,
        );
        const versions = crowd.map(({ told }) => told.get("a"));
        await archive.touch("a");
        await until(
          () => crowd.every(({ told }, index) => told.get("a") !== versions[index]),
          () => `everybody to be told of a change; ${serving.stderr}`,
        );
      };
      await isBack();
      for (let count = 0; count < FIRST_CYCLES; count += 1) await cycle();
      const before = usage(serving.pid);
      for (let count = 0; count < CYCLES; count += 1) await cycle();
      await until(
        () => (usage(serving.pid)?.files ?? 0) <= (before?.files ?? 0) + MORE_FILES,
        () => `files to be closed: ${usage(serving.pid)?.files} are open, and were ${before?.files}`,
      );
      await until(
        () => proxy.open === 2 * BACKENDS,
        () => `connections to be closed; ${proxy.open} are open`,
      );
      // What is garbage is not always taken away at once.
      await until(
        () => (usage(serving.pid)?.memory ?? 0) <= (before?.memory ?? 0) * GROWTH,
        () => `memory to be freed: ${usage(serving.pid)?.memory} KiB, and was ${before?.memory} KiB`,
      );
      for (const client of crowd) client[Symbol.dispose]();
      serving.kill("SIGTERM");
      expect(await serving.exit()).toBe(0);
      expect(serving.stderr).not.toMatch(/unhandled|uncaught|^\s+at |error/im);
    });
  }
});

/** The ids of the connections that programs of ours have. */
async function backends({ sql, database }: PostgresForeignArchive): Promise<number[]> {
  const rows = await sql<{ pid: number }[]>`SELECT pid FROM pg_stat_activity
    WHERE datname = ${database} AND application_name LIKE 'sessionwatch%'`;
  return rows.map(({ pid }) => pid);
}

/** What a process has open, and its memory (KiB); null where the system does not say. */
function usage(pid: number): { files: number; memory: number } | null {
  const folder = `/proc/${pid}`;
  if (!existsSync(folder)) return null;
  const [, memory] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`${folder}/status`, "utf8")) ?? [];
  return { files: readdirSync(`${folder}/fd`).length, memory: Number(memory) };
}
