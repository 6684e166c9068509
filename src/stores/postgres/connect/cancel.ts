/**
 * Ends a statement that nobody waits for any more: a backend that waits for a lock does not notice that we are gone.
 */

import { Buffer } from "node:buffer";
import { dial } from "./dial.ts";
import type { Target } from "./target.ts";

/** What a server calls one of its connections, and what only the two of them know. */
export interface Backend {
  pid: number;
  secret: number;
}

/** @param statement of postgres.js. @returns which connection runs it; null if it was not sent to any. */
export function backendOf(statement: object | null): Backend | null {
  if (statement === null || !("state" in statement)) return null;
  const { state } = statement;
  if (typeof state !== "object" || state === null || !("pid" in state) || !("secret" in state)) return null;
  const { pid, secret } = state;
  return typeof pid === "number" && typeof secret === "number" ? { pid, secret } : null;
}

/** https://www.postgresql.org/docs/current/protocol-message-formats.html, CancelRequest: length, code, pid, secret. */
const LENGTH = 16;
const CODE = 80_877_102;

/**
 * Asks the server, on a connection of its own: it never says whether it has heard.
 *
 * Resolves when it has taken the request, or after `timeoutMs`; it never fails, because the caller has given up
 * already.
 */
export async function cancel(target: Target, { pid, secret }: Backend, timeoutMs: number): Promise<void> {
  const request = Buffer.alloc(LENGTH);
  for (const [index, word] of [LENGTH, CODE, pid, secret].entries()) request.writeUInt32BE(word, 4 * index);
  const deadlineMs = performance.now() + timeoutMs;
  try {
    const { socket } = await dial(target, timeoutMs);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => socket.destroy(), deadlineMs - performance.now());
      socket.on("error", () => socket.destroy());
      socket.once("close", () => {
        clearTimeout(timer);
        resolve();
      });
      // The server hangs up when it has done it, and says nothing.
      socket.resume();
      socket.write(request);
    });
  } catch {
    // A server that cannot be reached cannot be asked.
  }
}
