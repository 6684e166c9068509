import { afterAll, beforeAll } from "bun:test";
import { storeContract } from "../../contract/store.ts";
import type { ArchiveFixture } from "../../contract/store.ts";
import { openStore } from "../../../src/stores/open.ts";
import { PGBOUNCER, PgBouncer } from "../../support/postgres/pgbouncer.ts";
import { PostgresForeignArchive } from "../../support/postgres/foreign-archive.ts";
import { INSTALLATIONS, sharedServer } from "../../support/postgres/server.ts";
import type { Installation } from "../../support/postgres/server.ts";

for (const installation of INSTALLATIONS)
  storeContract(`an agentsview archive in ${installation.name}`, () => foreign(installation));

if (PGBOUNCER !== null) {
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
