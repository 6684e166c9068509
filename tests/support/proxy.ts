/** A TCP proxy that fails on request. */

import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";

export class Proxy implements AsyncDisposable {
  #targetPort: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Clients that are not connected to the server yet. */
  readonly #waiting = new Set<Socket>();
  #isHeld = false;
  #port = 0;
  /** What the server may still say before every connection is cut; null if nothing is cut. */
  #allowance: number | null = null;
  /** Called at the next cut. */
  #onCut: () => void = ignore;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = createServer((client) => this.#connect(client));
  }

  /** @param url of the server that stands behind. */
  static async before(url: string): Promise<Proxy> {
    const proxy = new Proxy(Number(new URL(url).port));
    await proxy.accept();
    return proxy;
  }

  /** Where it accepts connections. */
  get port(): number {
    return this.#port;
  }

  /** How many connections there are on both sides of it. */
  get open(): number {
    return this.#sockets.size;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Accepts connections, always on the same port. */
  async accept(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Cuts all connections and refuses new ones. */
  async refuse(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await closed;
  }

  /** Takes everything and hands on nothing, as a network does that has gone: no connection ends, new ones seem to be had. */
  hold(): void {
    this.#isHeld = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** Hands on what was held back. */
  release(): void {
    this.#isHeld = false;
    for (const client of this.#waiting) this.#reachServer(client);
    this.#waiting.clear();
    for (const socket of this.#sockets) socket.resume();
  }

  /** Cuts all connections; new ones lead to another server. */
  retarget(port: number): void {
    this.#targetPort = port;
    this.cut();
  }

  /** Cuts every connection when the server has said so many bytes more. @returns when it has happened. */
  cutAfter(bytes: number): Promise<void> {
    this.#allowance = bytes;
    return new Promise((resolve) => {
      this.#onCut = resolve;
    });
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #connect(client: Socket): void {
    this.#keep(client, () => this.#waiting.delete(client));
    if (!this.#isHeld) return this.#reachServer(client);
    client.pause();
    this.#waiting.add(client);
  }

  #reachServer(client: Socket): void {
    const server = connect(this.#targetPort, "127.0.0.1");
    this.#keep(server, () => client.destroy());
    client.once("close", () => server.destroy());
    client.on("data", (chunk) => server.write(chunk));
    server.on("data", (chunk: Buffer) => this.#forward(chunk, client));
  }

  #keep(socket: Socket, onClose: () => void): void {
    this.#sockets.add(socket);
    socket.on("error", ignore);
    socket.on("close", () => {
      this.#sockets.delete(socket);
      onClose();
    });
  }

  #forward(chunk: Buffer, client: Socket): void {
    if (this.#allowance === null || this.#allowance > chunk.length) {
      if (this.#allowance !== null) this.#allowance -= chunk.length;
      client.write(chunk);
      return;
    }
    const part = chunk.subarray(0, this.#allowance);
    this.#allowance = null;
    // Ending sends what was written first; everything after it is lost.
    client.end(part, () => this.cut());
    this.#onCut();
  }
}

/** The other end has gone: that is what this is for. */
function ignore(): void {}
