/** Why something failed: the same plain words for the same error code, wherever it comes up. */

import { messageOf } from "../errors.ts";

/** @returns the code of an error of the system, a runtime or a library, such as `ECONNREFUSED`; undefined without one. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** @returns one clause: the words for the error's code, else for the codes of what it collects, else its message. */
export function reasonOf(error: unknown): string {
  const known = FAILURE_WORDS.get(codeOf(error) ?? "");
  if (known !== undefined) return known;
  // One error for several attempts: its own message says nothing, theirs do.
  if (error instanceof AggregateError && error.errors.length > 0)
    return [...new Set(error.errors.map(reasonOf))].join("; ");
  return messageOf(error);
}

/** By the codes of the system (errno) and of the resolver. */
export const FAILURE_WORDS: ReadonlyMap<string, string> = new Map([
  ["ECONNREFUSED", "connection refused"],
  ["ECONNRESET", "the connection was lost"],
  ["ECONNABORTED", "the connection was lost"],
  ["EPIPE", "the connection was lost"],
  ["ETIMEDOUT", "no answer"],
  ["ENOTFOUND", "there is no such host"],
  ["EAI_NONAME", "there is no such host"],
  ["EAI_AGAIN", "the host's address cannot be looked up now"],
  ["EHOSTUNREACH", "the host cannot be reached"],
  ["ENETUNREACH", "the network cannot be reached"],
  ["EADDRINUSE", "the port is in use"],
  ["EADDRNOTAVAIL", "this machine has no such address"],
  ["ENOENT", "it does not exist"],
  ["ENOTDIR", "it does not exist"],
  ["EISDIR", "it is a directory"],
  ["EACCES", "permission denied"],
  ["EPERM", "permission denied"],
  ["EROFS", "the file system is read-only"],
  ["ENOSPC", "the disk is full"],
  ["EMFILE", "too many files are open"],
  ["ENFILE", "too many files are open"],
]);
