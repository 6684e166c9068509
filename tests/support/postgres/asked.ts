/** Asks servers how they are asked. Runs on both runtimes: as a module, or as a program with a list of URLs as JSON. */

import process from "node:process";
import { ReconnectingConnection } from "../../../src/stores/postgres/connect/reconnecting-connection.ts";
import { postgresReason } from "../../../src/stores/postgres/sql/postgres-errors.ts";
import type { AddressOptions } from "../../../src/stores/postgres/connect/archive-address.ts";
import { plainAddress } from "./plain-address.ts";
import { systemClock } from "../../../src/runtime/clock.ts";

/** @returns `plain`, `encrypted`, `encrypted for <user>` with a client's certificate; otherwise why there is no answer. */
export async function asked(url: string, options: Partial<AddressOptions> = {}): Promise<string> {
  const link = new ReconnectingConnection(plainAddress(url, options), systemClock, { purpose: "test" });
  try {
    const [row] = await link.query(
      "SELECT ssl, client_dn FROM pg_catalog.pg_stat_ssl WHERE pid = pg_catalog.pg_backend_pid()",
    );
    const client = row?.["client_dn"] ?? null;
    return `${row?.["ssl"] === true ? "encrypted" : "plain"}${client === null ? "" : ` for ${String(client)}`}`;
  } catch (error) {
    return postgresReason(error);
  } finally {
    link.close();
  }
}

if (import.meta.main) {
  const answers: string[] = [];
  for (const url of JSON.parse(process.argv[2] ?? "[]") as string[]) answers.push(await asked(url));
  // Nothing that is left behind may keep the process from ending.
  console.log(JSON.stringify(answers));
}
