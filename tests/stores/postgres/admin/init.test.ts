import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import type { Sql } from "postgres";
import { schemaState } from "../../../../src/stores/postgres/admin/init.ts";
import { requireWritable, SCHEMA_VERSION } from "../../../../src/stores/postgres/schema/schema-version.ts";
import { ReconnectingConnection } from "../../../../src/stores/postgres/connect/reconnecting-connection.ts";
import { systemAddress } from "../../../../src/stores/postgres/connect/archive-address.ts";
import { initialize } from "../../../support/postgres/own-archive.ts";
import { INSTALLATIONS, sharedServer } from "../../../support/postgres/server.ts";
import type { PostgresServer } from "../../../support/postgres/server.ts";
import { systemClock } from "../../../../src/runtime/clock.ts";

for (const installation of INSTALLATIONS)
  describe(`initArchive() on ${installation.name}`, () => {
    let server: PostgresServer;
    let database: string;
    let url: string;
    let sql: Sql;

    beforeEach(async () => {
      server = await sharedServer(installation);
      database = await server.createDatabase();
      url = server.url(database);
      await sql?.end();
      sql = server.connect(database);
    });
    afterAll(() => sql.end());

    test("creates the archive once when several processes try, and leaves an existing one alone", async () => {
      const made = await Promise.all(Array.from({ length: 10 }, () => initialize(url, "sessionwatch")));
      expect(made.filter(({ created }) => created)).toEqual([{ created: true, from: 0, to: SCHEMA_VERSION }]);
      await sql`INSERT INTO sessionwatch.sessions (id, machine) VALUES ('a', 'b')`;
      expect(await initialize(url, "sessionwatch")).toEqual({
        created: false,
        from: SCHEMA_VERSION,
        to: SCHEMA_VERSION,
      });
      expect(await sql`SELECT id FROM sessionwatch.sessions`.values()).toHaveLength(1);
      expect(await sql`SELECT * FROM sessionwatch.sessionwatch_archive`.values()).toHaveLength(1);
      const triggers = await sql`SELECT tgname FROM pg_trigger WHERE tgname LIKE 'sessionwatch%'`;
      expect(triggers).toHaveLength(4);
      expect(await stateOf("sessionwatch")).toEqual({ kind: "ours", version: SCHEMA_VERSION });
    });

    test("accepts any schema name that the server accepts, and names the others", async () => {
      for (const name of ['Quote"s', "with space", "ü".repeat(31), "$1", "a'b\\c"]) {
        await initialize(url, name);
        expect(await stateOf(name)).toEqual({ kind: "ours", version: SCHEMA_VERSION });
      }
      for (const name of ["", "x".repeat(64)])
        await expect(initialize(url, name)).rejects.toMatchObject({
          code: "archive_unusable",
          message: expect.stringContaining("the name of a schema has 1 to 63 bytes"),
        });
    });

    test("refuses an archive of a newer sessionwatch", async () => {
      await initialize(url, "sessionwatch");
      await sql`UPDATE sessionwatch.sessionwatch_archive SET schema_version = 99`;
      const message = `it was written by a newer sessionwatch (schema 99; this one knows ${SCHEMA_VERSION}): upgrade watch`;
      await expect(initialize(url, "sessionwatch")).rejects.toMatchObject({
        code: "archive_unusable",
        message: expect.stringContaining(message),
      });
      expect(() => requireWritable(99, "x")).toThrow(message);
      expect(() => requireWritable(0, "x")).toThrow("run `watch pg init`");
      requireWritable(SCHEMA_VERSION, "x");
    });

    test("refuses a schema with tables of another program, and leaves them alone", async () => {
      await sql.unsafe("CREATE SCHEMA agentsview; CREATE TABLE agentsview.sessions (id text)");
      await expect(initialize(url, "agentsview")).rejects.toMatchObject({
        code: "archive_unusable",
        message: expect.stringContaining("it holds tables of another program"),
      });
      expect(await stateOf("agentsview")).toEqual({ kind: "foreign" });
      expect(await stateOf("nowhere")).toEqual({ kind: "empty", exists: false });
      expect(await stateOf("public")).toEqual({ kind: "empty", exists: true });
    });

    test("names the missing right to create the schema, and uses one that was created for the role", async () => {
      const role = `role_${crypto.randomUUID().replaceAll("-", "")}`;
      await sql.unsafe(`CREATE ROLE ${role} LOGIN`);
      const own = server.url(database, role);
      await expect(initialize(own, "sessionwatch")).rejects.toMatchObject({
        code: "archive_unusable",
        message: expect.stringMatching(
          /^Cannot prepare schema "sessionwatch": permission denied .*ask the database/,
        ),
      });
      expect(await stateOf("sessionwatch")).toEqual({ kind: "empty", exists: false });
      await sql.unsafe(`CREATE SCHEMA sessionwatch AUTHORIZATION ${role}`);
      expect(await initialize(own, "sessionwatch")).toMatchObject({ created: true });
    });

    test("refuses a database that cannot hold every character", async () => {
      const latin = `${database}_latin`;
      await sql.unsafe(`CREATE DATABASE ${latin} ENCODING 'LATIN1' TEMPLATE template0`);
      await expect(initialize(server.url(latin), "sessionwatch")).rejects.toMatchObject({
        code: "archive_unusable",
        message: expect.stringContaining("the encoding of the database is LATIN1, but it must be UTF8"),
      });
    });

    async function stateOf(schema: string): ReturnType<typeof schemaState> {
      const link = new ReconnectingConnection(systemAddress(url), systemClock, { purpose: "test" });
      try {
        return await schemaState(link.query, schema);
      } finally {
        link.close();
      }
    }
  });
