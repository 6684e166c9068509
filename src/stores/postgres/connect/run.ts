/** What statements take and give, whichever connection they run on. */

export type Row = Record<string, unknown>;

/** What a statement takes in place of `$1`, `$2`, …; lists go as JSON text. */
export type Value = string | number | boolean | null;

/**
 * Runs one statement. Nothing is prepared under a name and nothing set for the session: behind a pooler, the next
 * statement may run elsewhere.
 *
 * @param deadlineMs from its turn on, after which the statement is cancelled and the connection given up.
 * @throws Error with the server's `code`, or that of the network.
 */
export type Run = (text: string, values?: readonly Value[], deadlineMs?: number) => Promise<Row[]>;
