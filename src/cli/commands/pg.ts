/** What the `watch pg` commands share: a connection to the PostgreSQL archive that the flags name. */

import type { Logger } from "@logtape/logtape";
import { WatchError } from "../../errors.ts";
import { systemClock } from "../../runtime/clock.ts";
import { ReconnectingConnection } from "../../stores/postgres/connect/reconnecting-connection.ts";
import { postgresReason } from "../../stores/postgres/sql/postgres-errors.ts";
import { archiveFailure } from "../../stores/shared/archive-failure.ts";
import { systemAddress } from "../../stores/postgres/connect/archive-address.ts";
import type { ArchiveAddress } from "../../stores/postgres/connect/archive-address.ts";
import { archiveOfEnvironment } from "../../app/environment.ts";

/** The flags that name the archive. */
export interface PgOptions {
  db?: string;
  /** Allow connections that others can read. */
  insecure: boolean;
}

/** Does a command's work. @returns the one line that it prints. */
export type PgWork = (connection: ReconnectingConnection, address: ArchiveAddress) => Promise<string>;

/**
 * @param command its name in messages.
 * @returns the line that `work` returns.
 * @throws WatchError `usage` if no PostgreSQL archive is named; a WatchError of `work`, or `archive_unavailable` for its
 *   other failures.
 */
export async function withArchive(
  command: string,
  options: PgOptions,
  log: Logger,
  work: PgWork,
): Promise<string> {
  const address = archiveAddress(command, options, log);
  const connection = new ReconnectingConnection(address, systemClock, { purpose: command });
  try {
    return await work(connection, address);
  } catch (error) {
    if (error instanceof WatchError) throw error;
    throw archiveFailure("open", address.name, postgresReason(error), { cause: error });
  } finally {
    await connection.close();
  }
}

function archiveAddress(command: string, { db, insecure }: PgOptions, log: Logger): ArchiveAddress {
  const url = db ?? archiveOfEnvironment();
  if (url === undefined || !/^postgres(?:ql)?:/i.test(url)) {
    const where = "with --db or SESSIONWATCH_DB, as in --db postgres://user@host/database";
    throw new WatchError("usage", `${command}: name a PostgreSQL archive ${where}`);
  }
  return systemAddress(url, { insecure, warn: (message) => log.warning(message) });
}
