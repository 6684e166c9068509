/** `watch pg init`: creates our own archive in PostgreSQL, or brings it to the schema that this program writes. */

import type { Logger } from "@logtape/logtape";
import { quoted } from "../stores/postgres/identifier.ts";
import { initArchive } from "../stores/postgres/schema.ts";
import { EXIT } from "./exit.ts";
import { printable, writeLine } from "./output.ts";
import { withArchive } from "./pg.ts";
import type { PgOptions } from "./pg.ts";

/** Where our own archive is unless another schema is named. */
const SCHEMA = "sessionwatch";

/** @returns the exit code. @throws WatchError, PipeClosed. */
export async function pgInit(options: PgOptions, log: Logger): Promise<number> {
  const said = await withArchive("pg init", options, log, async (link, target) => {
    const schema = target.schema ?? SCHEMA;
    const { created, from, to } = await initArchive(link, schema);
    const where = `schema ${quoted(schema)} of ${target.name}`;
    if (created) return `created: ${where} is an archive that \`watch\` can sync into`;
    return from < to ? `upgraded: ${where} from version ${from} to ${to}` : `up to date: ${where}`;
  });
  await writeLine(printable(said));
  return EXIT.done;
}
