/** A way to a server that takes its time in each direction, and counts how often somebody waits for an answer. */

import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";

export class SlowWay implements AsyncDisposable {
  /** How often something was sent after something was received, on all connections together. */
  roundTrips = 0;
  /** How many connections there were. */
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(targetPort: number, delayMs: number) {
    this.#server = createServer((client) => this.#join(client, connect(targetPort, "127.0.0.1"), delayMs));
  }

  /** @param delayMs in each direction. */
  static async to(targetPort: number, delayMs: number): Promise<SlowWay> {
    const way = new SlowWay(targetPort, delayMs);
    await new Promise<void>((resolve) => way.#server.listen(0, "127.0.0.1", resolve));
    return way;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket, server: Socket, delayMs: number): void {
    this.connections += 1;
    let hasAnswered = true;
    client.on("data", (chunk) => {
      if (hasAnswered) this.roundTrips += 1;
      hasAnswered = false;
      later(delayMs, () => server.write(chunk));
    });
    server.on("data", (chunk) => {
      later(delayMs, () => {
        hasAnswered = true;
        client.write(chunk);
      });
    });
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
  }
}

/** Timers of the same delay come in the order in which they were set. */
function later(delayMs: number, run: () => void): void {
  if (delayMs === 0) run();
  else setTimeout(run, delayMs);
}
