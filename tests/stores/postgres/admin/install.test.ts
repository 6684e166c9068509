/** Who may add the triggers to an archive and take them away, and what is said to everybody else. */

import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { quoted } from "../../../../src/stores/postgres/sql/quoting.ts";
import { installOn, removeFrom } from "../../../../src/stores/postgres/admin/install.ts";
import { ReconnectingConnection } from "../../../../src/stores/postgres/connect/reconnecting-connection.ts";
import { systemAddress } from "../../../../src/stores/postgres/connect/archive-address.ts";
import { TRIGGER_COUNT } from "../../../../src/stores/postgres/notify/trigger.ts";
import { PostgresForeignArchive } from "../../../support/postgres/foreign-archive.ts";
import { INSTALLATIONS, PostgresServer, sharedServer, SUPERUSER } from "../../../support/postgres/server.ts";
import { until } from "../../../support/program.ts";
import { systemClock } from "../../../../src/runtime/clock.ts";

describe.each(INSTALLATIONS)("on $name,", (installation) => {
  async function archiveOf(schema = "agentsview"): Promise<PostgresForeignArchive> {
    return await PostgresForeignArchive.create(await sharedServer(installation), { schema });
  }

  /** Does `work` as a role. */
  async function as<T>(
    archive: PostgresForeignArchive,
    role: string,
    work: (link: ReconnectingConnection) => Promise<T>,
  ) {
    const url = new URL(archive.url);
    url.username = encodeURIComponent(role);
    const link = new ReconnectingConnection(systemAddress(url.href), systemClock, { purpose: "test" });
    try {
      return await work(link);
    } finally {
      link.close();
    }
  }

  const install = (archive: PostgresForeignArchive, role = SUPERUSER, schema = archive.schema) =>
    as(archive, role, (link) => installOn(link, schema));
  const remove = (archive: PostgresForeignArchive, role = SUPERUSER, schema = archive.schema) =>
    as(archive, role, (link) => removeFrom(link, schema));

  async function triggersOf({ sql }: PostgresForeignArchive): Promise<number> {
    const rows = await sql`SELECT FROM pg_trigger WHERE tgname LIKE 'sessionwatch%' AND tgenabled = 'O'`;
    return rows.length;
  }

  /** @returns the name of a new role that may use the schema, and read and write its tables. */
  async function roleIn({ sql, schema }: PostgresForeignArchive): Promise<string> {
    const name = `ro"le ${crypto.randomUUID()}`;
    await sql.unsafe(`CREATE ROLE ${quoted(name)} LOGIN; GRANT USAGE ON SCHEMA ${quoted(schema)} TO ${quoted(name)};
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${quoted(schema)} TO ${quoted(name)}`);
    return name;
  }

  test("installOn() adds and renews the triggers, and removeFrom() removes them", async () => {
    await using archive = await archiveOf('agents" view');
    expect(await remove(archive)).toBe("absent");
    expect([await install(archive), await triggersOf(archive)]).toEqual(["installed", TRIGGER_COUNT]);
    await archive.sql.unsafe(`ALTER TABLE ${archive.table("sessions")} DISABLE TRIGGER USER;
      DROP TRIGGER sessionwatch_delete ON ${archive.table("sessions")}`);
    expect([await install(archive), await triggersOf(archive)]).toEqual(["renewed", TRIGGER_COUNT]);
    expect([await remove(archive), await triggersOf(archive)]).toEqual(["removed", 0]);
    expect(await remove(archive)).toBe("absent");
  });

  test("installOn() and removeFrom() can run several times at once", async () => {
    await using archive = await archiveOf();
    const sixTimes = async (change: () => Promise<string>): Promise<string[]> =>
      (await Promise.all(Array.from({ length: 6 }, change))).toSorted();
    const others = (said: string): string[] => Array.from({ length: 5 }, () => said);
    expect(await sixTimes(() => install(archive))).toEqual(["installed", ...others("renewed")]);
    expect(await triggersOf(archive)).toBe(TRIGGER_COUNT);
    expect(await sixTimes(() => remove(archive))).toEqual([...others("absent"), "removed"]);
    expect(await triggersOf(archive)).toBe(0);
  });

  test("installOn() names the missing rights, and needs no others", async () => {
    await using archive = await archiveOf();
    const role = await roleIn(archive);
    const refused = install(archive, role);
    await expect(refused).rejects.toMatchObject({ code: "archive_unavailable" });
    await expect(refused).rejects.toThrow("needs TRIGGER on the table and CREATE on the schema");
    const [, grants = ""] = /can grant them: (.*)$/.exec(await refused.catch(String)) ?? [];
    expect(grants).toContain("GRANT CREATE ON SCHEMA");
    await archive.sql.unsafe(grants);
    expect(await install(archive, role)).toBe("installed");
    expect(await install(archive, role)).toBe("renewed");
    expect(await triggersOf(archive)).toBe(TRIGGER_COUNT);
    expect(await remove(archive, role)).toBe("removed");
    expect(await triggersOf(archive)).toBe(0);

    await archive.sql.unsafe(`REVOKE ALL ON SCHEMA agentsview FROM ${quoted(role)}`);
    await expect(install(archive, role)).rejects.toThrow(
      `can grant them: GRANT USAGE, CREATE ON SCHEMA "agentsview" TO ${quoted(role)}`,
    );
  });

  test("installOn() and removeFrom() leave another role's triggers alone, but not the superuser", async () => {
    await using archive = await archiveOf();
    const [role, other] = [await roleIn(archive), await roleIn(archive)];
    await archive.sql.unsafe(`GRANT CREATE ON SCHEMA agentsview TO ${quoted(role)}, ${quoted(other)};
      GRANT TRIGGER ON agentsview.sessions TO ${quoted(role)}, ${quoted(other)}`);
    expect(await install(archive, role)).toBe("installed");
    for (const change of [install, remove])
      await expect(change(archive, other)).rejects.toThrow(`the triggers belong to role ${quoted(role)}`);
    expect(await install(archive)).toBe("renewed");
    await expect(install(archive, role)).rejects.toThrow(`the triggers belong to role "${SUPERUSER}"`);
    expect(await remove(archive)).toBe("removed");
  });

  test("installOn() gives up soon when the table is locked, and does not hold up its writers", async () => {
    await using archive = await archiveOf();
    await archive.add("a");
    const server = await sharedServer(installation);
    const writer = server.connect(archive.database);
    await writer`BEGIN; UPDATE agentsview.sessions SET updated_at = now() WHERE id = 'b'`.simple();
    const installing = install(archive);
    installing.catch(() => undefined);
    await until(
      async () => (await archive.sql`SELECT FROM pg_locks WHERE NOT granted`).length > 0,
      () => "the lock to be waited for",
    );
    // It waits behind the one who waits for the lock, until that gives up.
    await archive.touch("a");
    await expect(installing).rejects.toMatchObject({ code: "archive_unavailable" });
    await expect(installing).rejects.toThrow("the table was locked for more than 3 s");
    await writer`COMMIT`.simple();
    await writer.end();
    expect(await triggersOf(archive)).toBe(0);
    expect(await install(archive)).toBe("installed");
  });

  test("installOn() disturbs no reader", async () => {
    await using archive = await archiveOf();
    const server = await sharedServer(installation);
    const reader = server.connect(archive.database);
    await reader`BEGIN; SELECT FROM agentsview.sessions`.simple();
    expect([await install(archive), await install(archive)]).toEqual(["installed", "renewed"]);
    await reader.end();
  });

  test("installOn() and removeFrom() name what is missing", async () => {
    await using archive = await archiveOf();
    await archive.sql`CREATE SCHEMA empty; CREATE SCHEMA view; CREATE VIEW view.sessions AS SELECT 1 AS id;
      CREATE SCHEMA other; CREATE TABLE other.sessions (name text)`.simple();
    for (const [schema, reason] of [
      ["nowhere", "there is no such schema"],
      ["empty", "it has no sessions table"],
      ["view", "sessions is not a table"],
      ["other", "its sessions table has no id column"],
    ] as const) {
      const message = `Cannot install triggers in schema "${schema}": ${reason}`;
      const refused = install(archive, SUPERUSER, schema);
      await expect(refused).rejects.toMatchObject({ code: "archive_unusable" });
      await expect(refused).rejects.toThrow(message);
    }
    await expect(remove(archive, SUPERUSER, "nowhere")).rejects.toThrow("there is no such schema");
    expect(await remove(archive, SUPERUSER, "empty")).toBe("absent");
  });

  test("removeFrom() finds the triggers of a table that was moved", async () => {
    await using archive = await archiveOf();
    await install(archive);
    await archive.sql`ALTER TABLE agentsview.sessions RENAME TO sessions_before`;
    expect([await remove(archive), await triggersOf(archive)]).toEqual(["removed", 0]);
  });

  test("installOn() and removeFrom() refuse an archive of our own", async () => {
    await using archive = await archiveOf();
    await archive.sql`CREATE TABLE agentsview.sessionwatch_archive (schema_version integer)`;
    for (const change of [install, remove])
      await expect(change(archive)).rejects.toMatchObject({ code: "usage" });
  });

  test("installOn() reports a read-only server, a standby, and a server that does not answer", async () => {
    await using server = await PostgresServer.start({ installation });
    await using archive = await PostgresForeignArchive.create(server);
    await archive.sql.unsafe(`ALTER DATABASE ${archive.database} SET default_transaction_read_only = on`);
    await expect(install(archive)).rejects.toThrow("the server is read-only");
    await server.stop("fast");
    await expect(install(archive)).rejects.toMatchObject({ code: "archive_unavailable" });
    writeFileSync(join(server.folder, "standby.signal"), "");
    await server.resume();
    await expect(install(archive)).rejects.toThrow("the server is a standby");
  });
});
