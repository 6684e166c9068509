/** The one error class for what a caller can handle, with a closed list of codes. */

/**
 * - `usage`: the caller asked for something that cannot be; exit code 2, HTTP 400
 * - `forbidden`: the caller may not ask for that; HTTP 403
 * - `session_not_found`: no session has that id; exit code 4, HTTP 404
 * - `session_ambiguous`: several sessions begin with that id; exit code 1
 * - `archive_unavailable`: the archive cannot be read or written now; exit code 1, HTTP 503
 * - `archive_unusable`: it is there, but is not an archive that this program can read; exit code 1, HTTP 503
 * - `transcript_unreadable`: a transcript cannot be read now; exit code 1
 * - `cannot_listen`: the server's address cannot be had; exit code 1
 * - `server_unreachable`: a remote server cannot be followed now; exit code 1
 * - `server_refused`: a remote server will not do it, or is not what it was taken for; exit code 1
 */
export type ErrorCode =
  | "usage"
  | "forbidden"
  | "session_not_found"
  | "session_ambiguous"
  | "archive_unavailable"
  | "archive_unusable"
  | "transcript_unreadable"
  | "cannot_listen"
  | "server_unreachable"
  | "server_refused";

/** The message is one line for a person and carries no secrets; `cause` keeps what led to it. */
export class WatchError extends Error {
  override readonly name = "WatchError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** @param id as it was asked for; one line. */
export function sessionNotFound(id: string): WatchError {
  return new WatchError("session_not_found", `session not found: ${id}`);
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
