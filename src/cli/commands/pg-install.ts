/** `watch pg install`: triggers on a PostgreSQL archive of somebody else's, so that it tells of its changes. */

import type { Logger } from "@logtape/logtape";
import { WatchError } from "../../errors.ts";
import { quoted } from "../../stores/postgres/quoting.ts";
import { installOn, removeFrom } from "../../stores/postgres/admin/install.ts";
import type { Link } from "../../stores/postgres/connect/link.ts";
import { findSchema } from "../../stores/postgres/read/tables.ts";
import type { Target } from "../../stores/postgres/connect/target.ts";
import { archiveFailure } from "../../stores/shared/archive-failure.ts";
import { EXIT } from "../exit.ts";
import { printable } from "../../session/printable.ts";
import { writeLine } from "../output/output.ts";
import { withArchive } from "./pg.ts";
import type { PgOptions } from "./pg.ts";

/** The flags of `watch pg install`. */
export interface PgInstallOptions extends PgOptions {
  /** Takes the triggers away. */
  remove: boolean;
}

/** @returns the exit code. @throws WatchError, PipeClosed. */
export async function pgInstall(options: PgInstallOptions, log: Logger): Promise<number> {
  const said = await withArchive("pg install", options, log, async (link, target) => {
    const schema = await schemaOf(link, target);
    const where = `schema ${quoted(schema)} of ${target.name}`;
    if (!options.remove)
      return `${await installOn(link, schema)}: changes of sessions in ${where} are told at once`;
    return (await removeFrom(link, schema)) === "removed"
      ? `removed: changes of sessions in ${where} are found by polls`
      : `nothing to remove: ${where} has no triggers of ours`;
  });
  await writeLine(printable(said));
  return EXIT.done;
}

async function schemaOf(link: Link, { name, schema }: Target): Promise<string> {
  try {
    return await findSchema(link.query, schema);
  } catch (error) {
    if (!(error instanceof WatchError)) throw error;
    throw archiveFailure("open", name, error.message, { code: error.code, cause: error });
  }
}
