/** Opens a connection to a server, as safe as its target asks for. */

import { connect } from "node:net";
import type { Socket } from "node:net";
import type { Endpoint, Target } from "./target.ts";

/**
 * @param timeoutMs for everything together.
 * @returns a socket over which the server can be spoken to; whoever gets it destroys it.
 * @throws the reason of the last endpoint that was tried.
 */
export async function dial({ endpoints }: Target, timeoutMs: number): Promise<Socket> {
  let reason: unknown;
  for (const endpoint of endpoints) {
    try {
      return await open(endpoint, timeoutMs);
    } catch (error) {
      reason = error;
    }
  }
  throw reason;
}

function open(endpoint: Endpoint, timeoutMs: number): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect(endpoint);
  const timer = setTimeout(
    () => socket.destroy(new Error(`no connection within ${timeoutMs / 1000} s`)),
    timeoutMs,
  );
  socket.once("error", reject);
  socket.once("connect", () => {
    clearTimeout(timer);
    socket.off("error", reject);
    resolve(socket);
  });
  socket.once("close", () => clearTimeout(timer));
  return promise;
}
