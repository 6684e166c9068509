/** Waits for an event of a socket. */

import type { Socket } from "node:net";

/** @throws the socket's error, the signal's reason, and an Error if the other side closes the connection first. */
export async function happening(socket: Socket, event: string, signal: AbortSignal): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const onClose = (): void => reject(new Error("the server closed the connection"));
  const onAbort = (): void => reject(signal.reason);
  socket.once(event, resolve).once("error", reject).once("close", onClose);
  signal.addEventListener("abort", onAbort);
  try {
    signal.throwIfAborted();
    return await promise;
  } finally {
    socket.off(event, resolve).off("error", reject).off("close", onClose);
    signal.removeEventListener("abort", onAbort);
  }
}
