/** Something that listens where a server should, and does what a test says. */

import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

/** What a client asks first, if it wants TLS. */
export const SSL_REQUEST = "0000000804d2162f";

export class FakeServer implements AsyncDisposable {
  /** Everything that each connection has brought so far. */
  readonly received: Buffer[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #server;

  private constructor(onData: (socket: Socket, data: Buffer, connection: number) => void) {
    this.#server = createServer((socket) => {
      const connection = this.received.push(Buffer.alloc(0)) - 1;
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      socket.on("error", () => undefined);
      socket.on("data", (data) => {
        const bytes = Buffer.from(data);
        this.received[connection] = Buffer.concat([this.received[connection] ?? Buffer.alloc(0), bytes]);
        onData(socket, bytes, connection);
      });
    });
  }

  /** @param onData what it does with what comes. @default nothing */
  static async start(
    onData: (socket: Socket, data: Buffer, connection: number) => void = () => undefined,
  ): Promise<FakeServer> {
    const fake = new FakeServer(onData);
    fake.#server.listen(0, "127.0.0.1");
    await once(fake.#server, "listening");
    return fake;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** How many connections there are now. */
  get open(): number {
    return this.#sockets.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}
