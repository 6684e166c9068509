import { storeContract } from "../../contract/store.ts";
import type { ArchiveFixture } from "../../contract/store.ts";
import { openStore } from "../../../src/stores/open.ts";
import { PostgresForeignArchive } from "../../support/postgres-archive.ts";
import { INSTALLATIONS, sharedServer } from "../../support/postgres.ts";
import type { Installation } from "../../support/postgres.ts";

for (const installation of INSTALLATIONS)
  storeContract(`an agentsview archive in ${installation.name}`, () => foreign(installation));

async function foreign(installation: Installation): Promise<ArchiveFixture> {
  const archive = await PostgresForeignArchive.create(await sharedServer(installation));
  const { store } = await openStore(archive.url);
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
