/** `watch pg install`: adds triggers to a foreign PostgreSQL archive, so that changes are seen at once. */

import type { Logger } from "@logtape/logtape";
import { WatchError } from "../../errors.ts";
import { quoted } from "../../stores/postgres/sql/quoting.ts";
import { installOn, removeFrom } from "../../stores/postgres/admin/install.ts";
import type { ReconnectingConnection } from "../../stores/postgres/connect/reconnecting-connection.ts";
import { findSchema } from "../../stores/postgres/read/introspection.ts";
import type { ArchiveAddress } from "../../stores/postgres/connect/archive-address.ts";
import { archiveFailure } from "../../stores/shared/archive-failure.ts";
import { EXIT } from "../exit.ts";
import { printable } from "../../session/printable.ts";
import { writeLine } from "../output/output.ts";
import { withArchive } from "./pg.ts";
import type { PgOptions } from "./pg.ts";

/** The flags of `watch pg install`. */
export interface PgInstallOptions extends PgOptions {
  /** Removes the triggers. */
  remove: boolean;
}

/** @returns the exit code. @throws WatchError, PipeClosed. */
export async function pgInstall(options: PgInstallOptions, log: Logger): Promise<number> {
  const line = await withArchive("pg install", options, log, async (connection, address) => {
    const schema = await schemaOf(connection, address);
    const where = `schema ${quoted(schema)} of ${address.name}`;
    if (!options.remove)
      return `${await installOn(connection, schema)}: the triggers in ${where} notify changes of sessions at once`;
    return (await removeFrom(connection, schema)) === "removed"
      ? `removed: polls find the changes of sessions in ${where}`
      : `nothing to remove: ${where} has no triggers of sessionwatch`;
  });
  await writeLine(printable(line));
  return EXIT.done;
}

async function schemaOf(
  connection: ReconnectingConnection,
  { name, schema }: ArchiveAddress,
): Promise<string> {
  try {
    return await findSchema(connection.query, schema);
  } catch (error) {
    if (!(error instanceof WatchError)) throw error;
    throw archiveFailure("open", name, error.message, { code: error.code, cause: error });
  }
}
