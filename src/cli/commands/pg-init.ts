/** `watch pg init`: creates our own archive in PostgreSQL, or brings it to the schema that this program writes. */

import type { Logger } from "@logtape/logtape";
import { quoted } from "../../stores/postgres/quoting.ts";
import { initArchive, OWN_SCHEMA } from "../../stores/postgres/admin/schema.ts";
import { EXIT } from "../exit.ts";
import { printable } from "../../session/printable.ts";
import { writeLine } from "../output/output.ts";
import { withArchive } from "./pg.ts";
import type { PgOptions } from "./pg.ts";

/** @returns the exit code. @throws WatchError, PipeClosed. */
export async function pgInit(options: PgOptions, log: Logger): Promise<number> {
  const said = await withArchive("pg init", options, log, async (link, target) => {
    const schema = target.schema ?? OWN_SCHEMA;
    const { created, from, to } = await initArchive(link, schema);
    const where = `schema ${quoted(schema)} of ${target.name}`;
    if (created) return `created: ${where} is an archive that \`watch\` can sync into`;
    return from < to ? `upgraded: ${where} from version ${from} to ${to}` : `up to date: ${where}`;
  });
  await writeLine(printable(said));
  return EXIT.done;
}
