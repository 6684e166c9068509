/** The types of statements and their results. */

export type ResultRow = Record<string, unknown>;

/** What a statement takes in place of `$1`, `$2`, …; lists go as JSON text. */
export type Value = string | number | boolean | null;

/**
 * Runs one statement. It prepares nothing under a name and sets nothing for the session: behind a pooler, the next
 * statement may run on another connection.
 *
 * @param deadlineMs counts from the statement's turn; after it the statement is cancelled and the connection ended.
 * @throws Error with the server's `code`, or that of the network.
 */
export type Run = (text: string, values?: readonly Value[], deadlineMs?: number) => Promise<ResultRow[]>;
