import { afterAll, beforeAll, expect, test } from "bun:test";
import { storeContract } from "../../contract/store.ts";
import type { ArchiveFixture } from "../../contract/store.ts";
import { openStore } from "../../../src/mod.ts";
import { NO_PGBOUNCER, PgBouncer } from "../../support/postgres/pgbouncer.ts";
import { PostgresForeignArchive } from "../../support/postgres/foreign-archive.ts";
import { INSTALLATIONS, sharedServer } from "../../support/postgres/server.ts";
import type { Installation } from "../../support/postgres/server.ts";
import { testUnless } from "../../support/unless.ts";

for (const installation of INSTALLATIONS)
  storeContract(`an agentsview archive in ${installation.name}`, () => foreign(installation));

if (NO_PGBOUNCER !== null) {
  testUnless(NO_PGBOUNCER)("an agentsview archive behind PgBouncer keeps the contract", () => undefined);
} else {
  let bouncer: PgBouncer;
  beforeAll(async () => {
    bouncer = await PgBouncer.start(await sharedServer());
  });
  afterAll(() => bouncer[Symbol.asyncDispose]());
  storeContract("an agentsview archive behind PgBouncer", () =>
    foreign(INSTALLATIONS[0], (url) => bouncer.url(url)),
  );
}

async function foreign(
  installation: Installation | undefined,
  through: (url: string) => string = (url) => url,
): Promise<ArchiveFixture> {
  const archive = await PostgresForeignArchive.create(await sharedServer(installation));
  const { store } = await openStore(through(archive.url));
  return {
    store,
    add: ({ id, ...session }) => archive.add(id, { ...session, machine: "local" }),
    grow: (id) => archive.grow(id),
    trash: (id) => archive.trash(id),
    impossibleIds: ["nul\0byte"],
    async [Symbol.asyncDispose]() {
      await store.close();
      await archive[Symbol.asyncDispose]();
    },
  };
}

test("a text that the database's encoding cannot hold is not found, and is no error", async () => {
  const server = await sharedServer();
  const database = `test_${crypto.randomUUID().replaceAll("-", "")}`;
  const postgres = server.connect("postgres");
  await postgres.unsafe(
    `CREATE DATABASE ${database} ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'`,
  );
  await postgres.end();
  await using archive = await PostgresForeignArchive.create(server, { database });
  await archive.add("é", { project: "ü" });
  const { store, close } = await openStore(archive.url);
  expect([...(await store.states(["é", "会话", "nobody"])).keys()]).toEqual(["é"]);
  expect([
    await store.get("会话"),
    await store.messages("会话"),
    await store.idsStartingWith("会", 1),
  ]).toEqual([null, [], []]);
  expect([(await store.list({ project: "ü" })).total, (await store.list({ project: "会" })).total]).toEqual([
    1, 0,
  ]);
  await close();
});
