/** What the commands of `watch pg` work with: a connection to the PostgreSQL archive that is named. */

import type { Logger } from "@logtape/logtape";
import { WatchError } from "../../errors.ts";
import { Link } from "../../stores/postgres/connect/link.ts";
import { reasonOf } from "../../stores/postgres/connect/reasons.ts";
import { archiveFailure } from "../../stores/shared/archive-failure.ts";
import { systemTarget } from "../../stores/postgres/connect/system-target.ts";
import type { Target } from "../../stores/postgres/connect/target.ts";
import { archiveOfEnvironment } from "../../app/environment.ts";

/** The flags that name it. */
export interface PgOptions {
  db?: string;
  /** Others could read along. */
  insecure: boolean;
}

/** What a command does, and the one line that it says at the end. */
export type PgWork = (link: Link, target: Target) => Promise<string>;

/**
 * @param command as it is typed.
 * @returns the line that `work` returns.
 * @throws WatchError `usage` if no PostgreSQL archive is named, `archive_unavailable` if `work` fails with anything
 *   else than a WatchError, which is passed on.
 */
export async function withArchive(
  command: string,
  options: PgOptions,
  log: Logger,
  work: PgWork,
): Promise<string> {
  const target = archiveTarget(command, options, log);
  const link = new Link(target, { purpose: command });
  try {
    return await work(link, target);
  } catch (error) {
    if (error instanceof WatchError) throw error;
    throw archiveFailure("open", target.name, reasonOf(error), { cause: error });
  } finally {
    await link.close();
  }
}

function archiveTarget(command: string, { db, insecure }: PgOptions, log: Logger): Target {
  const url = db ?? archiveOfEnvironment();
  if (url === undefined || !/^postgres(?:ql)?:/i.test(url)) {
    const where = "with --db or SESSIONWATCH_DB, as in --db postgres://user@host/database";
    throw new WatchError("usage", `${command}: name a PostgreSQL archive ${where}`);
  }
  return systemTarget(url, { insecure, warn: (message) => log.warning(message) });
}
