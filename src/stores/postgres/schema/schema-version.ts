/** The schema of our own archive in PostgreSQL: its usual name, and which versions can be read and written. */

import { WatchError } from "../../../errors.ts";
import { archiveFailure } from "../../shared/archive-failure.ts";
import { POSTGRES_MIGRATIONS } from "./migrations.ts";

/** The schema of our own archive unless another one is named. */
export const OWN_SCHEMA = "sessionwatch";

/** The version that this program writes. */
export const SCHEMA_VERSION = POSTGRES_MIGRATIONS.length;

/**
 * Does not upgrade: other machines may share the archive.
 *
 * @param name the archive's name in the message.
 * @throws WatchError `archive_unusable` unless this program can write the archive as it is.
 */
export function requireWritable(version: number, name: string): void {
  if (version === SCHEMA_VERSION) return;
  const reason =
    newerReason(version) ??
    `its schema version is ${version}, and this sessionwatch writes ${SCHEMA_VERSION}: ` +
      "run `watch pg init`, or only read with --no-sync";
  throw archiveFailure("write to", name, reason, { code: "archive_unusable" });
}

/** @throws WatchError `archive_unusable` if a newer program wrote the archive. */
export function requireReadable(version: number): void {
  const reason = newerReason(version);
  if (reason !== null) throw new WatchError("archive_unusable", reason);
}

/** @returns why an archive of a newer program cannot be used; null if it is not newer. */
export function newerReason(version: number): string | null {
  if (version <= SCHEMA_VERSION) return null;
  const versions = `schema ${version}; this one knows ${SCHEMA_VERSION}`;
  return `it was written by a newer sessionwatch (${versions}): upgrade watch`;
}
