/** What the triggers tell, on every PostgreSQL that there is; and that they never come between a writer and its commit. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import postgres from "postgres";
import type { Sql } from "postgres";
import { quoted } from "../../../../src/stores/postgres/sql/quoting.ts";
import {
  ANYTHING,
  channelOf,
  installTrigger,
  refusalOf,
  TRIGGER_COUNT,
} from "../../../../src/stores/postgres/notify/trigger.ts";
import { HOSTILE_IDS } from "../../../contract/store.ts";
import { PostgresForeignArchive } from "../../../support/postgres/foreign-archive.ts";
import { INSTALLATIONS, sharedServer } from "../../../support/postgres/server.ts";
import { SmallQueue, WITH_SMALL_QUEUES } from "../../../support/postgres/small-queue.ts";
import { until } from "../../../support/program.ts";

/** A text of PostgreSQL's has no NUL. */
const IDS = HOSTILE_IDS.filter((id) => !id.includes("\0"));
/** No payload can be longer (bytes). */
const PAYLOAD_BYTES_MAX = 7999;

/** Collects the notifications of one table. */
class Ear implements AsyncDisposable {
  readonly #sql: Sql;
  readonly #channel: string;
  #heard: string[] = [];

  private constructor(sql: Sql, channel: string) {
    this.#sql = sql;
    this.#channel = channel;
  }

  static async of({ sql, url }: PostgresForeignArchive, table: string): Promise<Ear> {
    const [row] = await sql.unsafe("SELECT $1::text::regclass::oid AS id", [table]);
    const ear = new Ear(connect(url), channelOf(Number(row?.["id"])));
    await ear.#sql.listen(ear.#channel, (payload) => ear.#heard.push(payload));
    return ear;
  }

  /** @returns the payloads of everything that was committed before. */
  async payloads(): Promise<string[]> {
    const end = `end ${crypto.randomUUID()}`;
    await this.#sql.notify(this.#channel, end);
    await until(
      () => this.#heard.at(-1) === end,
      () => "the notification that was sent last",
    );
    const heard = this.#heard.slice(0, -1);
    this.#heard = [];
    return heard;
  }

  /** @returns the ids in them, sorted. */
  async ids(): Promise<string[]> {
    return idsIn(await this.payloads());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sql.end({ timeout: 1 });
  }
}

describe.each(INSTALLATIONS)("triggers on $name", (installation) => {
  async function archiveOf(schema = "agentsview"): Promise<PostgresForeignArchive> {
    return await PostgresForeignArchive.create(await sharedServer(installation), { schema });
  }

  /** An archive with triggers, and an ear that listens to it. */
  async function installed(schema?: string): Promise<Ear & { archive: PostgresForeignArchive }> {
    const archive = await archiveOf(schema);
    await archive.tell();
    const ear = await Ear.of(archive, archive.table("sessions"));
    return Object.assign(ear, { archive });
  }

  /** Writes sessions with one statement. */
  async function insert({ sql, ...archive }: PostgresForeignArchive, ids: readonly string[]): Promise<void> {
    await sql.unsafe(
      `INSERT INTO ${quoted(archive.schema)}.sessions (id, machine, project, agent)
       SELECT id, '', '', '' FROM json_array_elements_text($1::text::json) AS id
       ON CONFLICT (id) DO UPDATE SET updated_at = now()`,
      [JSON.stringify(ids)],
    );
  }

  test("notify of sessions that are added, changed and deleted", async () => {
    await using ear = await installed();
    const { archive } = ear;
    for (const change of [
      () => archive.add("a"),
      () => archive.touch("a"),
      () => archive.grow("a"),
      () => archive.trash("a"),
      () => archive.remove("a"),
    ]) {
      await change();
      expect(await ear.payloads()).toEqual(['["a"]']);
    }
    await archive.touch("nobody");
    expect(await ear.payloads()).toEqual([]);
  });

  test("notify of inserted and updated rows of an upsert", async () => {
    await using ear = await installed();
    await insert(ear.archive, ["a"]);
    await ear.payloads();
    await insert(ear.archive, ["a", "b"]);
    expect(await ear.ids()).toEqual(["a", "b"]);
  });

  test("notify that any session may have changed when an id changes", async () => {
    await using ear = await installed();
    await insert(ear.archive, ["a", "b"]);
    await ear.payloads();
    await ear.archive.sql.unsafe("UPDATE agentsview.sessions SET id = 'host~' || id");
    expect(await ear.payloads()).toEqual([ANYTHING]);
  });

  test("notify once of a session that a transaction changes often, and not of one that is rolled back", async () => {
    await using ear = await installed();
    const { archive } = ear;
    await archive.add("a");
    await ear.payloads();
    await archive.sql.begin(async (sql) => {
      for (let n = 0; n < 50; n += 1) await sql`UPDATE agentsview.sessions SET updated_at = now()`;
    });
    expect(await ear.payloads()).toEqual(['["a"]']);
    await archive.sql`BEGIN; UPDATE agentsview.sessions SET updated_at = now(); ROLLBACK`.simple();
    expect(await ear.payloads()).toEqual([]);
  });

  test("name up to 1000 sessions of a statement, and none beyond that", async () => {
    await using ear = await installed();
    const ids = Array.from({ length: 1001 }, () => `codex:${crypto.randomUUID()}`);
    await insert(ear.archive, ids.slice(1));
    const payloads = await ear.payloads();
    expect(payloads.length).toBeLessThan(10);
    for (const payload of payloads) expect(Buffer.byteLength(payload)).toBeLessThanOrEqual(PAYLOAD_BYTES_MAX);
    expect(idsIn(payloads)).toEqual(ids.slice(1).sort());
    await insert(ear.archive, ids.slice(0, 1));
    expect(await ear.ids()).toEqual(ids.slice(0, 1));
    await ear.archive.sql`UPDATE agentsview.sessions SET updated_at = now()`;
    expect(await ear.payloads()).toEqual([ANYTHING]);
    await ear.archive.sql`DELETE FROM agentsview.sessions`;
    expect(await ear.payloads()).toEqual([ANYTHING]);
  });

  test("notify that any session may have changed after a TRUNCATE, or when an id is too long", async () => {
    await using ear = await installed();
    await ear.archive.sql`TRUNCATE agentsview.sessions CASCADE`;
    expect(await ear.payloads()).toEqual([ANYTHING]);
    await insert(ear.archive, ["a", "é".repeat(4000)]);
    expect(await ear.payloads()).toEqual([ANYTHING]);
    await insert(ear.archive, ["b", "é".repeat(3000)]);
    expect(await ear.ids()).toEqual(["b", "é".repeat(3000)]);
    // As long as any that is named beside many others.
    const ids = Array.from({ length: 30 }, (_, n) => String(n).padStart(3, "0") + "é".repeat(447));
    await insert(ear.archive, ids);
    expect(await ear.ids()).toEqual(ids);
  });

  test("name any ids, in payloads of any size", async () => {
    await using ear = await installed();
    await insert(ear.archive, IDS);
    expect(await ear.ids()).toEqual(IDS.toSorted());
    const id = fc.string({ unit: "grapheme", minLength: 1, maxLength: 140 });
    const lists = fc.uniqueArray(
      id.map((id) => id.toWellFormed().replaceAll("\0", "0")),
      { minLength: 1, maxLength: 300, size: "max" },
    );
    await fc.assert(
      fc.asyncProperty(lists, async (ids) => {
        await ear.archive.sql`DELETE FROM agentsview.sessions`;
        await ear.payloads();
        await insert(ear.archive, ids);
        const payloads = await ear.payloads();
        if (payloads.includes(ANYTHING)) return;
        for (const payload of payloads)
          expect(Buffer.byteLength(payload)).toBeLessThanOrEqual(PAYLOAD_BYTES_MAX);
        expect(idsIn(payloads)).toEqual(ids.toSorted());
      }),
      { numRuns: 25 },
    );
  });

  test("can be installed repeatedly in a schema of any name, and are removed completely", async () => {
    const schema = `we"ird' $$ sché\\ma %s.x`;
    await using ear = await installed(schema);
    const { archive } = ear;
    const count = async (): Promise<unknown> => {
      const [row] = await archive.sql`SELECT count(*)::int AS n FROM pg_trigger WHERE NOT tgisinternal`;
      return row?.["n"];
    };
    await archive.tell();
    expect(await count()).toBe(TRIGGER_COUNT);
    await archive.add("a");
    expect(await ear.payloads()).toEqual(['["a"]']);
    for (let round = 0; round < 2; round += 1) await archive.tellNothing();
    expect(await count()).toBe(0);
    expect(await archive.sql`SELECT FROM pg_proc WHERE proname LIKE 'sessionwatch%'`).toHaveLength(0);
  });

  test("need no rights of the writing role, and use none of its objects", async () => {
    await using archive = await archiveOf();
    const [writer, installer] = [`wri"ter ${crypto.randomUUID()}`, `installer ${crypto.randomUUID()}`];
    await archive.sql.unsafe(`CREATE ROLE ${quoted(writer)} LOGIN; CREATE ROLE ${quoted(installer)};
      GRANT USAGE, CREATE ON SCHEMA agentsview TO ${quoted(installer)};
      GRANT TRIGGER ON agentsview.sessions TO ${quoted(installer)};
      ALTER DEFAULT PRIVILEGES FOR ROLE ${quoted(installer)} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
      GRANT USAGE ON SCHEMA agentsview TO ${quoted(writer)};
      GRANT INSERT, UPDATE, DELETE, SELECT, TRUNCATE ON ALL TABLES IN SCHEMA agentsview TO ${quoted(writer)};
      SET ROLE ${quoted(installer)}`);
    await archive.tell();
    await archive.sql`RESET ROLE`;
    await using ear = await Ear.of(archive, "agentsview.sessions");
    const server = await sharedServer(installation);
    const sql = server.connect(archive.database, encodeURIComponent(writer));
    // Its own names must not be taken for those of the server.
    await sql`CREATE TEMP TABLE changed (id text); CREATE TEMP TABLE replaced (id text);
      CREATE FUNCTION pg_temp.pg_notify(text, text) RETURNS void LANGUAGE sql AS 'SELECT';
      SET search_path = pg_temp, pg_catalog`.simple();
    await sql`INSERT INTO agentsview.sessions (id, machine, project, agent) VALUES ('a', '', '', '')`;
    await sql`UPDATE agentsview.sessions SET updated_at = now()`;
    await sql`DELETE FROM agentsview.sessions`;
    await sql`TRUNCATE agentsview.sessions CASCADE`;
    await sql.end();
    expect(await ear.payloads()).toEqual(['["a"]', '["a"]', '["a"]', ANYTHING]);
  });

  test("notify of what is written to a partitioned table, but not directly to a partition", async () => {
    await using archive = await archiveOf();
    await archive.sql`CREATE SCHEMA parted;
      CREATE TABLE parted.sessions (id uuid, ids int, payload int, channel int, total int, usage int) PARTITION BY HASH (id);
      CREATE TABLE parted.half PARTITION OF parted.sessions FOR VALUES WITH (MODULUS 2, REMAINDER 0);
      CREATE TABLE parted.other PARTITION OF parted.sessions FOR VALUES WITH (MODULUS 2, REMAINDER 1)`.simple();
    for (const statement of installTrigger("parted")) await archive.sql.unsafe(statement);
    await using ear = await Ear.of(archive, "parted.sessions");
    const ids = Array.from({ length: 8 }, () => crypto.randomUUID()).sort();
    await archive.sql`INSERT INTO parted.sessions SELECT value::uuid FROM json_array_elements_text(${JSON.stringify(ids)}::text::json)`;
    expect(await ear.ids()).toEqual(ids);
    const [moved = ""] = ids;
    const id = crypto.randomUUID();
    await archive.sql`UPDATE parted.sessions SET id = ${id} WHERE id = ${moved}`;
    expect(await ear.payloads()).toEqual([ANYTHING]);
    await archive.sql`DELETE FROM parted.half; DELETE FROM parted.other`.simple();
    expect(await ear.payloads()).toEqual([]);
  });

  test("do not notify of replicated changes", async () => {
    await using ear = await installed();
    await ear.archive.sql`SET session_replication_role = replica`;
    await ear.archive.add("a");
    expect(await ear.payloads()).toEqual([]);
  });

  test("never fail a writer, whatever happens to the table", async () => {
    await using ear = await installed();
    const { archive } = ear;
    await archive.add("a");
    await archive.sql`ALTER TABLE agentsview.sessions RENAME id TO name`;
    await archive.sql`UPDATE agentsview.sessions SET updated_at = now()`;
    await archive.sql`ALTER TABLE agentsview.sessions RENAME name TO id`;
    await archive.touch("a");
    const [row] = await archive.sql`SELECT message_count FROM agentsview.sessions`;
    expect(row?.["message_count"]).toBe(2);
    expect(await ear.payloads()).toEqual(['["a"]', ANYTHING, '["a"]']);
  });
});

test("refusalOf() refuses servers that are too old for the triggers", () => {
  expect(refusalOf(130_023)).toBe("it needs PostgreSQL 14 or newer");
  expect(refusalOf(140_000)).toBeNull();
});

test.each(WITH_SMALL_QUEUES)(
  "let writers commit when a listener blocks the queue ($name)",
  async (installation) => {
    await using queue = await SmallQueue.of(installation);
    const { archive } = queue;
    await queue.clog();
    // Some 80 kB each.
    for (let round = 0; round < 20; round += 1)
      await archive.sql`INSERT INTO agentsview.sessions (id, machine, project, agent)
        SELECT ${`${round} ${"x".repeat(800)} `} || n, '', '', '' FROM generate_series(1, 100) AS n`;
    expect(await queue.usage()).toBeWithin(0.5, 0.75);
    // What is short still fits, but not for ever.
    await archive.add("a");
    for (let round = 0; round < 8000; round += 1) await archive.touch("a");
    expect(await queue.usage()).toBeWithin(0.9, 0.95);
    const [row] = await archive.sql`SELECT message_count AS n FROM agentsview.sessions WHERE id = 'a'`;
    expect(row?.["n"]).toBe(8001);
  },
);

function connect(url: string): Sql {
  return postgres(url, { max: 1, onnotice: () => undefined });
}

/** @returns sorted. */
function idsIn(payloads: readonly string[]): string[] {
  return payloads.flatMap((payload) => JSON.parse(payload) as string[]).sort();
}
