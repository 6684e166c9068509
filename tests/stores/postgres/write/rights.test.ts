import { afterEach, beforeEach, expect, test } from "bun:test";
import { openStore } from "../../../../src/mod.ts";
import type { OpenedStore, OpenOptions } from "../../../../src/mod.ts";
import { obstacleOf } from "../../../../src/stores/postgres/write/rights.ts";
import { PostgresOwnArchive } from "../../../support/postgres/own-archive.ts";
import { sharedServer } from "../../../support/postgres/server.ts";
import { save } from "../../../support/saves.ts";

let own: PostgresOwnArchive;
let role: string;

beforeEach(async () => {
  own = await PostgresOwnArchive.create(await sharedServer());
  role = `role_${crypto.randomUUID().replaceAll("-", "")}`;
  await own.sql.unsafe(`
    CREATE ROLE ${role} LOGIN;
    GRANT USAGE ON SCHEMA "${own.schema}" TO ${role};
    GRANT SELECT ON ALL TABLES IN SCHEMA "${own.schema}" TO ${role}`);
});
afterEach(() => own[Symbol.asyncDispose]());

function open(options: Partial<OpenOptions> = {}): Promise<OpenedStore> {
  const url = new URL(own.url);
  url.username = role;
  url.searchParams.set("schema", own.schema);
  return openStore(url.href.replaceAll("+", "%20"), options);
}

async function grant(...grants: string[]): Promise<void> {
  for (const rights of grants) await own.sql.unsafe(`GRANT ${rights} TO ${role}`);
}

test("a role without the rights to sync can read, and the warning names what is missing", async () => {
  await grant("INSERT, UPDATE ON sessions, sync_state", "INSERT, UPDATE, DELETE ON messages, tool_calls");
  const warnings: string[] = [];
  const opened = await open({ warn: (message) => warnings.push(message) });
  expect(opened.archive).toBeUndefined();
  expect((await opened.store.list()).sessions).toEqual([]);
  await opened.close();
  const refusal = `: the role "${role}" lacks INSERT, DELETE on sync_files`;
  expect(warnings).toEqual([expect.stringContaining(`${refusal}; nothing is synced`)]);
  await expect(open({ mustWrite: true })).rejects.toThrow(refusal);
  await (await open({ readOnly: true, warn: (message) => warnings.push(message) })).close();
  expect(warnings.length).toBe(1);
});

test("a role with the required rights can sync, extend and replace", async () => {
  await grant(
    "INSERT, UPDATE ON sessions, sync_state",
    "INSERT, UPDATE, DELETE ON messages, tool_calls",
    "INSERT, DELETE ON sync_files",
  );
  const { archive, close } = await open({ mustWrite: true, machine: "laptop" });
  await archive?.sync("a", save);
  await archive?.sync("a", async (transaction) => {
    await transaction.clear();
    await save(transaction);
  });
  await close();
  expect((await own.image())["sessions"]).toMatchObject([{ id: "a", machine: "laptop" }]);
});

test("obstacleOf() reports a standby, and nothing for a role with all rights", () => {
  expect(obstacleOf({ role: "me", is_standby: true, missing: null })).toBe("the server is a standby");
  expect(obstacleOf({ role: "me", is_standby: false, missing: null })).toBeNull();
});
