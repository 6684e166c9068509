/** The error for an archive that cannot be used, in the same words for every store. */

import { WatchError } from "../../errors.ts";
import type { ErrorCode } from "../../errors.ts";

export interface ArchiveFailureOptions {
  /** @default "archive_unavailable" */
  code?: ErrorCode;
  cause?: unknown;
}

/**
 * @param use what was to be done with it.
 * @param name its path, or its URL without user and password.
 * @param reason one clause on one line, without secrets.
 */
export function archiveFailure(
  use: "create" | "open" | "read" | "write to",
  name: string,
  reason: string,
  options: ArchiveFailureOptions = {},
): WatchError {
  const { code = "archive_unavailable", cause } = options;
  return new WatchError(code, `Cannot ${use} archive ${JSON.stringify(name)}: ${reason}`, { cause });
}
