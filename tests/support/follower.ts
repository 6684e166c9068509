/** A client of a stream that loses its connection at any byte, reads slowly, and comes back as the standard says. */

import { connect } from "node:net";
import type { Socket } from "node:net";
import { EventStream } from "./event-stream.ts";
import type { Message } from "./event-stream.ts";
import { within } from "./program.ts";

export class Follower {
  readonly #target: string;
  readonly #onMessage: (message: Message) => void;
  #socket: Socket | null = null;
  #cursor: string | null = null;
  #disconnected = Promise.resolve();
  /** Bytes that it still reads before it loses the connection. */
  #leftToRead = Infinity;

  /** @param target of the request. */
  constructor(target: string, onMessage: (message: Message) => void) {
    this.#target = target;
    this.#onMessage = onMessage;
  }

  get isConnected(): boolean {
    return this.#socket !== null;
  }

  /** What it comes back with. */
  get cursor(): string | null {
    return this.#cursor;
  }

  /** Resolves when the connection that there is has ended, at once if there is none. */
  get disconnected(): Promise<void> {
    return this.#disconnected;
  }

  /**
   * Resolves when the first bytes of the stream are there: from then on it follows; or when the connection was lost before.
   *
   * @throws when it is answered with anything but a stream.
   */
  async connect(port: number): Promise<void> {
    if (this.#socket !== null) return;
    const socket = connect({ host: "127.0.0.1", port });
    this.#socket = socket;
    this.#disconnected = new Promise((resolve) => void socket.once("close", () => resolve()));
    this.#leftToRead = Infinity;
    const stream = new EventStream();
    const body = new Dechunker();
    const begun = new Promise<void>((resolve, reject) => {
      socket.on("data", (bytes: Buffer) => {
        const read = bytes.subarray(0, Math.min(bytes.length, this.#leftToRead));
        this.#leftToRead -= read.length;
        for (const piece of body.feed(read)) {
          const messages = stream.feed(piece);
          if (stream.comments.length > 0) resolve();
          if (stream.comments.length > 0) this.#cursor = stream.lastEventId || null;
          for (const message of messages) this.#onMessage(message);
        }
        if (body.status !== null && body.status !== 200) {
          reject(new Error(`answered ${body.status}`));
          this.disconnect();
        }
        if (this.#leftToRead <= 0 || body.isOver) this.disconnect();
      });
      socket.on("error", () => this.disconnect());
      socket.on("close", () => {
        resolve();
        if (this.#socket === socket) this.#socket = null;
      });
    });
    const fields = this.#cursor === null ? "" : `Last-Event-ID: ${this.#cursor}\r\n`;
    socket.write(`GET ${this.#target} HTTP/1.1\r\nHost: 127.0.0.1\r\n${fields}\r\n`);
    await within(begun, () => `the beginning of ${this.#target}`);
  }

  /** Without a word, as when a cable is pulled. */
  disconnect(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.resetAndDestroy();
  }

  /** Reads so many bytes more, and then loses the connection. */
  disconnectAfter(bytes: number): void {
    this.#leftToRead = bytes;
  }

  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }
}

/** The body of one answer with chunks, whose bytes come in pieces of any size. */
class Dechunker {
  status: number | null = null;
  /** Nothing more will come. */
  isOver = false;
  #bytes: Buffer = Buffer.alloc(0);

  feed(bytes: Uint8Array): Uint8Array[] {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    const pieces: Uint8Array[] = [];
    if (this.status === null && !this.#readHead()) return pieces;
    for (;;) {
      const lineEnd = this.#bytes.indexOf("\r\n");
      if (lineEnd < 0) return pieces;
      const size = Number.parseInt(this.#bytes.subarray(0, lineEnd).toString(), 16);
      const end = lineEnd + 2 + size;
      this.isOver = size === 0;
      if (this.#bytes.length < end + 2) return pieces;
      pieces.push(this.#bytes.subarray(lineEnd + 2, end));
      this.#bytes = this.#bytes.subarray(end + 2);
    }
  }

  #readHead(): boolean {
    const end = this.#bytes.indexOf("\r\n\r\n");
    if (end < 0) return false;
    this.status = Number(this.#bytes.subarray(9, 12).toString());
    this.#bytes = this.#bytes.subarray(end + 4);
    return true;
  }
}
