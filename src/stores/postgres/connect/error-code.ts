/** What an error is called by whoever it comes from: a server (SQLSTATE), postgres.js, or the network. */

/** @returns null for an error that has no code. @see https://www.postgresql.org/docs/18/errcodes-appendix.html */
export function codeOf(error: unknown): string | null {
  if (typeof error !== "object" || error === null || !("code" in error)) return null;
  return typeof error.code === "string" ? error.code : null;
}
