import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { Surroundings } from "../../../../src/agents/agent.ts";
import { claudeCode } from "../../../../src/agents/claude-code/claude-code.ts";
import { systemClock } from "../../../../src/runtime/clock.ts";
import { systemAddress } from "../../../../src/stores/postgres/connect/archive-address.ts";
import type { ArchiveAddress } from "../../../../src/stores/postgres/connect/archive-address.ts";
import { ArchiveWriter } from "../../../../src/stores/postgres/write/writer.ts";
import { SyncEngine } from "../../../../src/sync/engine.ts";
import type { SyncReport } from "../../../../src/sync/engine.ts";
import type { ArchiveWriting, SyncTransaction } from "../../../../src/watch/archive.ts";
import type { TranscriptEntry } from "../../../../src/session/entries.ts";
import { archiveContract } from "../../../contract/archive.ts";
import { ClaudeTranscript } from "../../../support/claude.ts";
import { initialize, PostgresOwnArchive } from "../../../support/postgres/own-archive.ts";
import { INSTALLATIONS, PostgresServer, sharedServer } from "../../../support/postgres/server.ts";
import { until, within } from "../../../support/program.ts";
import { callOf, FACTS, message, save, SOURCE } from "../../../support/saves.ts";
import { SlowWay } from "../../../support/slow-way.ts";
import { Workspace } from "../../../support/workspace.ts";
import { writablePostgres } from "../../../support/writable.ts";
import type { WritableArchive } from "../../../support/writable.ts";

for (const installation of INSTALLATIONS) {
  let database: Promise<string> | undefined;
  const create = async (): Promise<WritableArchive> => {
    const server = await sharedServer(installation);
    database ??= server.createDatabase();
    return await writablePostgres(server, await database);
  };
  // What chance finds is rarely a matter of the server's version.
  const share = installation === INSTALLATIONS[0] ? 1 : 0.25;
  archiveContract(`our own archive in ${installation.name}`, create, { share });
}

describe("ArchiveWriter", () => {
  let own: PostgresOwnArchive;
  let workspace: Workspace;
  beforeEach(async () => {
    own = await PostgresOwnArchive.create(await sharedServer());
    workspace = new Workspace();
  });
  afterEach(async () => {
    await own[Symbol.asyncDispose]();
    workspace[Symbol.dispose]();
  });

  test("needs two round trips for a new session and three for an extended one, for any number of messages", async () => {
    await using way = await SlowWay.to((await sharedServer()).port, 0);
    const writer = own.writer("local", through(way, own.target));
    const entries = Array.from({ length: 1000 }, (_, n) => [
      message(`prompt ${n}`, { key: `p${n}`, uuid: `p${n}` }),
      message("", { key: `m${n}`, role: "assistant" as const, blocks: [callOf(`c${n}`)] }),
      { kind: "tool_result" as const, toolUseId: `c${n}`, content: "done" },
    ]).flat();
    const write = (which: readonly TranscriptEntry[]) => async (transaction: SyncTransaction) => {
      for (const entry of which) await transaction.write([entry]);
      await transaction.save(FACTS, SOURCE);
    };
    const cost = async (id: string, which: readonly TranscriptEntry[]): Promise<number> => {
      const before = way.roundTrips;
      await writer.sync(id, write(which));
      return way.roundTrips - before;
    };
    await writer.sync("first", save);
    expect(await cost("a", entries)).toBe(2);
    expect(await cost("a", entries.slice(0, 10))).toBe(3);
    // Nothing that it could go on with.
    expect(await cost("b", [message("only")])).toBe(2);
    expect(await own.expectNoFaults()).toEqual(
      new Map([
        ["first", 0],
        ["a", 2000],
        ["b", 1],
      ]),
    );
    expect(way.connections).toBe(1);
  });

  test("imports many sessions over a slow network on four connections at once", async () => {
    await using way = await SlowWay.to((await sharedServer()).port, 20);
    transcripts(workspace, 40);
    const report = await syncAll(own.writer("local", through(way, own.target)), workspace);
    expect([report.files, report.failures]).toEqual([40, []]);
    // Four connections and a fifth for questions, and two round trips for each session.
    expect(way.connections).toBe(5);
    expect(way.roundTrips).toBeLessThan(40 * 2 + 5 * 4);
  });

  test("leaves the sessions of another machine alone", async () => {
    const { id } = new ClaudeTranscript(workspace.claude).user("on the desktop");
    await syncAll(own.writer("desktop"), workspace);
    const before = await own.image();
    using other = new Workspace();
    const copy = new ClaudeTranscript(other.claude, id).user("on the laptop");
    const laptop = own.writer("laptop");
    expect((await syncAll(laptop, other)).failures).toEqual([]);
    await laptop.sync(id, async ({ isOffLimits }) => expect(isOffLimits).toBe(true));
    expect(await laptop.offLimits([id, "none"])).toEqual(new Set([id]));
    expect(await own.writer("desktop").offLimits([id, "none"])).toEqual(new Set());
    expect(await own.image()).toEqual(before);
    expect([...(await laptop.syncedTranscripts()).keys()]).toEqual([]);
    // A session of its own comes in all the same.
    const its = new ClaudeTranscript(other.claude).user("mine");
    copy.user("more");
    await syncAll(laptop, other);
    expect([...(await laptop.syncedTranscripts()).keys()]).toEqual([its.id]);
    const rows = await own.sql`SELECT id, machine FROM sessions ORDER BY machine`;
    expect([...rows]).toEqual([
      { id, machine: "desktop" },
      { id: its.id, machine: "laptop" },
    ]);
  });

  test("accepts two machines with a hundred sessions each at once", async () => {
    using other = new Workspace();
    for (const { claude } of [workspace, other]) transcripts({ claude }, 100);
    const reports = await Promise.all([
      syncAll(own.writer("desktop"), workspace),
      syncAll(own.writer("laptop"), other),
    ]);
    expect(reports.map(({ files, failures }) => [files, failures])).toEqual([
      [100, []],
      [100, []],
    ]);
    const counts = await own.expectNoFaults();
    expect([counts.size, ...new Set(counts.values())]).toEqual([200, 2]);
    const rows = await own.sql`
      SELECT machine, count(*)::int AS sessions FROM sessions GROUP BY machine ORDER BY machine`;
    expect([...rows]).toEqual([
      { machine: "desktop", sessions: 100 },
      { machine: "laptop", sessions: 100 },
    ]);
  });

  test("lets a disconnected machine catch up", async () => {
    const way = await SlowWay.to((await sharedServer()).port, 0);
    const writer = own.writer("laptop", through(way, own.target));
    const made = transcripts(workspace, 5);
    await syncAll(writer, workspace);
    await way[Symbol.asyncDispose]();
    for (const transcript of made) transcript.user("written on the train");
    await expect(syncAll(writer, workspace)).rejects.toMatchObject({ code: "archive_unavailable" });
    const elsewhere = own.writer("laptop");
    expect((await syncAll(elsewhere, workspace)).files).toBe(5);
    expect([...new Set((await own.expectNoFaults()).values())]).toEqual([3]);
  });

  test("reports in one line what cannot be written, and goes on when it can", async () => {
    await own.sql.unsafe("ALTER TABLE sync_state RENAME TO elsewhere");
    const writer = own.writer();
    const failure = await writer.sync("a", save).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: "archive_unavailable",
      message: expect.stringMatching(
        /^Cannot write to archive "postgres:\/\/127\.0\.0\.1:\d+\/\w+": relation .* does not exist$/,
      ),
    });
    await own.sql.unsafe("ALTER TABLE elsewhere RENAME TO sync_state");
    await writer.sync("a", save);
    expect(await writer.source("a")).toEqual(SOURCE);
  });

  test("loses only the running sync when its connection is cut", async () => {
    await using way = await SlowWay.to((await sharedServer()).port, 0);
    const writer = own.writer("local", through(way, own.target));
    const failing = writer.sync("a", async (transaction) => {
      await transaction.write([message("x".repeat(5_000_000))]);
      way.cut();
      await save(transaction);
    });
    await expect(failing).rejects.toMatchObject({ code: "archive_unavailable" });
    expect((await own.expectNoFaults()).size).toBe(0);
    await writer.sync("a", save);
    expect((await own.expectNoFaults()).size).toBe(1);
  });

  test("close() returns at once, and rolls back the running sync", async () => {
    const writer = own.writer();
    const { promise: begun, resolve } = Promise.withResolvers<void>();
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const syncing = writer.sync("a", async (transaction) => {
      await transaction.write([message("x".repeat(5_000_000))]);
      resolve();
      await released;
      await save(transaction);
    });
    await begun;
    await within(writer.close(), () => "the end");
    release();
    await expect(syncing).rejects.toMatchObject({ code: "archive_unavailable" });
    await expect(writer.source("a")).rejects.toMatchObject({ code: "archive_unavailable" });
    // The server has ended the transaction, so the session is not locked.
    await own.writer().sync("a", save);
    expect(await own.expectNoFaults()).toEqual(new Map([["a", 0]]));
  });

  test("notifies listeners of the sessions that it saves", async () => {
    const told: string[] = [];
    const [{ table } = {}] = await own.sql`SELECT 'sessions'::regclass::oid::int AS table`;
    const listener = await own.sql.listen(`sessionwatch_${table}`, (payload) => void told.push(payload));
    await own.writer().sync("a", save);
    await until(
      () => told.length > 0,
      () => "a notification",
    );
    expect(told).toEqual(['["a"]']);
    await listener.unlisten();
  });
});

describe("ArchiveWriter, when its server restarts", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test.each(["fast", "immediate"] as const)(
    "(%s) has doubled and lost nothing when all is synced",
    async (mode) => {
      using workspace = new Workspace();
      const own = await PostgresOwnArchive.create(server);
      const made = transcripts(workspace, 60);
      const writer = own.writer();
      const engine = new SyncEngine(writer, [claudeCode], surroundingsOf(workspace), { clock: systemClock });
      let synced = 0;
      const { promise: busy, resolve } = Promise.withResolvers<void>();
      engine.onSynced(() => {
        synced += 1;
        if (synced === 20) resolve();
      });
      const syncing = engine.syncAll();
      await busy;
      await server.stop(mode);
      const { failures } = await syncing;
      expect(failures.length).toBeGreaterThan(0);
      for (const { error } of failures) expect(error).toMatchObject({ code: "archive_unavailable" });
      await server.resume();
      for (const transcript of made) transcript.user("afterwards");
      expect((await engine.syncAll()).failures).toEqual([]);
      // The connection of before has gone; postgres.js makes another one.
      const counts = await own.sql.unsafe(
        `SELECT message_count, count(*)::int AS sessions FROM "${own.schema}".sessions GROUP BY 1`,
      );
      expect([...counts] as object[]).toEqual([{ message_count: 3, sessions: 60 }]);
      await own[Symbol.asyncDispose]();
    },
  );
});

test("ArchiveWriter does not depend on the server's settings", async () => {
  const settings = [
    "default_transaction_isolation = 'serializable'",
    "default_transaction_read_only = on",
    "standard_conforming_strings = off",
    "datestyle = 'German'",
    "intervalstyle = 'sql_standard'",
    "lc_messages = 'C'",
    "timezone = 'Asia/Kathmandu'",
    "array_nulls = off",
    "quote_all_identifiers = on",
  ];
  await using server = await PostgresServer.start({ settings });
  const url = server.url("postgres");
  const made = await Promise.all(Array.from({ length: 4 }, () => initialize(url, "sessionwatch")));
  expect(made.filter(({ created }) => created)).toHaveLength(1);
  const options = { schema: "sessionwatch", machine: "it's \\ here" };
  const writers = [1, 2].map(() => new ArchiveWriter(systemAddress(url), systemClock, options));
  const timestamp = "2026-02-01T10:00:00.123Z";
  await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      writers[n % 2]?.sync("a'\\", async (transaction) => {
        await transaction.write([message(`quote' and \\ ${n}`, { timestamp })]);
        await transaction.save(FACTS, SOURCE);
      }),
    ),
  );
  const sql = server.connect("postgres");
  const [session] = await sql`SELECT id, machine, message_count FROM sessionwatch.sessions`;
  expect(session).toEqual({ id: "a'\\", machine: "it's \\ here", message_count: 20 });
  const [row] = await sql`
    SELECT content, to_char(timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS') AS at
    FROM sessionwatch.messages WHERE content LIKE '% 0'`;
  expect(row).toEqual({ content: "quote' and \\ 0", at: "2026-02-01 10:00:00.123" });
  await sql.end();
  for (const writer of writers) await writer.close();
});

function through(way: SlowWay, target: ArchiveAddress): ArchiveAddress {
  return { ...target, servers: [{ host: "127.0.0.1", port: way.port }] };
}

function transcripts({ claude }: Pick<Workspace, "claude">, count: number): ClaudeTranscript[] {
  return Array.from({ length: count }, (_, n) =>
    new ClaudeTranscript(claude).user(`hello ${n}`).assistant("hello to you"),
  );
}

function surroundingsOf({ claude, folder }: Workspace): Surroundings {
  return { env: { CLAUDE_CONFIG_DIR: claude }, home: folder };
}

async function syncAll(into: ArchiveWriting, workspace: Workspace): Promise<SyncReport> {
  return await new SyncEngine(into, [claudeCode], surroundingsOf(workspace), {
    clock: systemClock,
  }).syncAll();
}
