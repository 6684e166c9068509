/** Ends a statement whose answer is not needed any more: a backend that waits for a lock does not notice lost clients. */

import { Buffer } from "node:buffer";
import type { Clock } from "../../../async/clock.ts";
import { within } from "../../../async/deadline.ts";
import type { ArchiveAddress } from "./archive-address.ts";
import { dial } from "./dial.ts";

/** What identifies a connection to its server. */
export interface Backend {
  pid: number;
  secret: number;
}

/** @param statement of postgres.js. @returns the connection that runs it; null if it was not sent. */
export function backendOf(statement: object | null): Backend | null {
  const { state } = (statement ?? {}) as { state?: Partial<Backend> | null };
  const { pid, secret } = state ?? {};
  return typeof pid === "number" && typeof secret === "number" ? { pid, secret } : null;
}

/**
 * Sends a CancelRequest on a new connection; the server never says what came of it. Resolves when the server has taken
 * it, or after `timeoutMs`, and never fails: the caller has already given up the statement.
 *
 * @see https://www.postgresql.org/docs/18/protocol-message-formats.html#PROTOCOL-MESSAGE-FORMATS-CANCELREQUEST
 */
export async function cancel(
  address: ArchiveAddress,
  { pid, secret }: Backend,
  clock: Clock,
  timeoutMs: number,
): Promise<void> {
  const request = Buffer.alloc(16);
  for (const [index, word] of [16, 80_877_102, pid, secret].entries()) request.writeUInt32BE(word, 4 * index);
  const endMs = clock.now() + timeoutMs;
  try {
    const { socket } = await dial(address, clock, timeoutMs);
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    // The server closes the connection when it is done.
    socket.once("close", resolve).resume().write(request);
    // Connecting may have taken all the time.
    const leftMs = Math.max(endMs - clock.now(), 1);
    await within(closed, leftMs, clock, () => new Error("no answer")).finally(() => socket.destroy());
  } catch {
    // A server that cannot be reached, or does not answer, cannot be asked to cancel anything.
  }
}
