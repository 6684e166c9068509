/** `watch pg init`: creates our own archive in PostgreSQL, or upgrades it. */

import type { Logger } from "@logtape/logtape";
import { quoted } from "../../stores/postgres/sql/quoting.ts";
import { initArchive } from "../../stores/postgres/admin/init.ts";
import { OWN_SCHEMA } from "../../stores/postgres/schema/schema-version.ts";
import { EXIT } from "../exit.ts";
import { printable } from "../../session/printable.ts";
import { writeLine } from "../output/output.ts";
import { withArchive } from "./pg.ts";
import type { PgOptions } from "./pg.ts";

/** @returns the exit code. @throws WatchError, PipeClosed. */
export async function pgInit(options: PgOptions, log: Logger): Promise<number> {
  const line = await withArchive("pg init", options, log, async (connection, address) => {
    const schema = address.schema ?? OWN_SCHEMA;
    const { created, from, to } = await initArchive(connection, schema);
    const where = `schema ${quoted(schema)} of ${address.name}`;
    if (created) return `created: \`watch\` can now sync into ${where}`;
    return from < to ? `upgraded: ${where} from version ${from} to ${to}` : `up to date: ${where}`;
  });
  await writeLine(printable(line));
  return EXIT.done;
}
