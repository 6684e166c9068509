/** The one error class for errors that a caller can handle, with a closed list of codes. */

/**
 * - `usage`: the request or the arguments are invalid; exit code 2, HTTP 400
 * - `forbidden`: the caller may not do that; exit code 1, HTTP 403
 * - `session_not_found`: no session has that id; exit code 4, HTTP 404
 * - `session_ambiguous`: several sessions have that prefix; exit code 1
 * - `archive_unavailable`: the archive cannot be read or written now; exit code 1, HTTP 503
 * - `archive_unusable`: it exists, but this program cannot read it as an archive; exit code 1, HTTP 503
 * - `transcript_unreadable`: a transcript cannot be read now; exit code 1
 * - `cannot_listen`: the server cannot listen on its address; exit code 1
 * - `server_unreachable`: a remote server cannot be followed now; exit code 1
 * - `server_refused`: a remote server refuses the request, or is not a sessionwatch server; exit code 1
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

/** The message is one line for a person, without secrets; `cause` keeps the original error. */
export class WatchError extends Error {
  override readonly name = "WatchError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** @param id as it was given; one line. */
export function sessionNotFound(id: string): WatchError {
  return new WatchError("session_not_found", `session not found: ${id}`);
}

/** @returns the message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
