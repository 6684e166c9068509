/** An event stream on a raw connection, parsed byte by byte. */

import { EventStream } from "./event-stream.ts";
import type { Message } from "./event-stream.ts";
import { RawConnection } from "./raw-http.ts";
import type { Answer, RequestOptions } from "./raw-http.ts";
import { faultsOf } from "./strict-event-stream.ts";

export class WireStream implements Disposable {
  readonly connection: RawConnection;
  readonly answer: Answer;
  /** Without the heartbeat that opens the stream. */
  readonly events = new EventStream();
  /** The heartbeat that opens the stream; null where it has none. */
  opening: Message | null = null;
  /** As the server sent them. */
  readonly chunks: Uint8Array[] = [];
  #taken = 0;

  private constructor(connection: RawConnection, answer: Answer) {
    this.connection = connection;
    this.answer = answer;
  }

  /** Asks on a connection of its own, and waits for the first block: the server sends every change from then on. */
  static async open(url: string, target: string, options: RequestOptions = {}): Promise<WireStream> {
    const connection = await RawConnection.open(url);
    return WireStream.begin(connection, await connection.ask(target, options));
  }

  /** Takes over a connection on which the head of a stream was read. */
  static async begin(connection: RawConnection, answer: Answer): Promise<WireStream> {
    if (answer.status !== 200)
      throw new Error(`${answer.status} instead of a stream: ${await answer.body()}`);
    const stream = new WireStream(connection, answer);
    while (!stream.text.includes("\n\n") && (await stream.read())) continue;
    if (stream.events.messages[0]?.type === "heartbeat")
      stream.opening = stream.events.messages.shift() ?? null;
    return stream;
  }

  /** All bytes so far. */
  get bytes(): Uint8Array {
    return Buffer.concat(this.chunks);
  }

  get text(): string {
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(this.bytes);
  }

  /** What the server has written against the standard so far. */
  get faults(): string[] {
    return faultsOf(this.bytes);
  }

  /** The next message. @throws if the stream ends first. */
  async next(): Promise<Message> {
    for (;;) {
      const message = this.events.messages[this.#taken];
      if (message !== undefined) {
        this.#taken += 1;
        return message;
      }
      if (!(await this.read())) throw new Error("the stream has ended");
    }
  }

  /** @returns false once the stream is over. */
  async read(): Promise<boolean> {
    const chunk = await this.answer.chunk();
    if (chunk === null) return false;
    this.chunks.push(chunk);
    for (let at = 0; at < chunk.length; at += 1) this.events.feed(chunk.subarray(at, at + 1));
    return true;
  }

  /** Reads to the end of the stream. @returns what the server sent after it, before it closed the connection. */
  async end(): Promise<Uint8Array> {
    while (await this.read()) continue;
    return this.connection.end();
  }

  [Symbol.dispose](): void {
    this.connection[Symbol.dispose]();
  }
}
