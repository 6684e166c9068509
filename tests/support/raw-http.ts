/**
 * HTTP/1 as bytes on a TCP connection (RFC 9112): exactly what is asked for is written, and what comes back is read
 * strictly, so that nothing a kinder client would mend goes unseen.
 */

import { connect } from "node:net";
import type { Socket } from "node:net";
import { ByteReader } from "./byte-reader.ts";
import { within } from "./program.ts";

export interface RequestOptions {
  /** @default "GET" */
  method?: string;
  /** @default "1.1" */
  version?: "1.0" | "1.1";
  /** Further header fields, each written as it stands. */
  headers?: Record<string, string>;
  /** `null` leaves the field out. @default "127.0.0.1" */
  host?: string | null;
  /** @default "" */
  body?: string;
}

/** @returns the whole request as text. */
export function requestOf(target: string, options: RequestOptions = {}): string {
  const { method = "GET", version = "1.1", headers = {}, host = "127.0.0.1", body = "" } = options;
  const fields = [
    ...(host === null ? [] : [`Host: ${host}`]),
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(body === "" ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
  ];
  return `${method} ${target} HTTP/${version}\r\n${fields.map((field) => `${field}\r\n`).join("")}\r\n${body}`;
}

/** One TCP connection to a server; answers are read from it in the order of the requests. */
export class RawConnection implements Disposable {
  readonly #socket: Socket;
  readonly #reader = new ByteReader();

  private constructor(socket: Socket) {
    this.#socket = socket;
    // Every write is to leave as a segment of its own.
    socket.setNoDelay(true);
    socket.on("data", (bytes: Buffer) => this.#reader.push(bytes));
    socket.on("end", () => this.#reader.end());
    socket.on("error", (error) => this.#reader.end(error));
  }

  /** @param url of the server; its path does not matter. */
  static async open(url: string): Promise<RawConnection> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    const connected = new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    await within(connected, () => `a connection to ${url}`);
    return new RawConnection(socket);
  }

  /** Sends a request and reads the head of its answer. */
  async ask(target: string, options: RequestOptions = {}): Promise<Answer> {
    await this.send(requestOf(target, options));
    return this.answer(options);
  }

  /** Resolves when the system has taken the bytes. */
  async send(bytes: string | Uint8Array): Promise<void> {
    const sent = new Promise<void>((resolve, reject) => {
      this.#socket.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
    await within(sent, () => "bytes to be sent");
  }

  /** Tells the server that nothing more will be asked, and goes on reading. */
  finish(): void {
    this.#socket.end();
  }

  /** Reads the head of the next answer. What its body is depends on the request's method and version. */
  async answer({ method = "GET", version = "1.1" }: RequestOptions = {}): Promise<Answer> {
    const statusLine = await this.#reader.line();
    const fields: [name: string, value: string][] = [];
    for (let line = await this.#reader.line(); line !== ""; line = await this.#reader.line())
      fields.push(fieldOf(line));
    return new Answer(statusLine, fields, this.#reader, { method, version });
  }

  /** Resolves when the server has closed its side, to every byte that came and was not read before. */
  async end(): Promise<Uint8Array> {
    return this.#reader.rest();
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

export class Answer {
  readonly httpVersion: string;
  readonly status: number;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly #reader: ByteReader;
  readonly #framing: Framing;
  #bytesLeft: number;

  constructor(
    statusLine: string,
    fields: [string, string][],
    reader: ByteReader,
    request: { method: string; version: string },
  ) {
    const [, httpVersion, status] = /^HTTP\/(1\.[01]) (\d{3}) [\x20-\x7e]*$/.exec(statusLine) ?? [];
    if (httpVersion === undefined) throw new Error(`not a status line: ${JSON.stringify(statusLine)}`);
    this.httpVersion = httpVersion;
    this.status = Number(status);
    this.fields = fields;
    this.#reader = reader;
    this.#framing = framingOf(this, request);
    this.#bytesLeft = Number(this.header("content-length"));
  }

  /** @returns the field's values joined as one list; null where there is none. */
  header(name: string): string | null {
    const values = this.fields.filter(([field]) => field.toLowerCase() === name).map(([, value]) => value);
    return values.length === 0 ? null : values.join(", ");
  }

  /** @returns the next chunk as the server cut it, or else what has arrived of the body; null when it is over. */
  async chunk(): Promise<Uint8Array | null> {
    switch (this.#framing) {
      case "none":
        return null;
      case "chunked":
        return this.#readChunk();
      case "until close":
        return this.#reader.some();
      case "length": {
        if (this.#bytesLeft === 0) return null;
        const piece = await this.#reader.exactly(this.#bytesLeft);
        this.#bytesLeft = 0;
        return piece;
      }
    }
  }

  /** Reads what is left of the body. */
  async body(): Promise<string> {
    const chunks: Uint8Array[] = [];
    for (let chunk = await this.chunk(); chunk !== null; chunk = await this.chunk()) chunks.push(chunk);
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
  }

  async #readChunk(): Promise<Uint8Array | null> {
    const sizeLine = await this.#reader.line();
    if (!/^[0-9a-f]+$/i.test(sizeLine)) throw new Error(`not a chunk size: ${JSON.stringify(sizeLine)}`);
    const size = Number.parseInt(sizeLine, 16);
    const chunk = await this.#reader.exactly(size);
    // Behind the last chunk there may be trailers, but our server has none to send.
    const close = await this.#reader.line();
    if (close !== "") throw new Error(`a chunk of ${size} bytes is followed by ${JSON.stringify(close)}`);
    return size === 0 ? null : chunk;
  }
}

type Framing = "none" | "chunked" | "length" | "until close";

/** RFC 9112, section 6.3. A client of HTTP/1.0 does not know chunks: to it they are part of the body. */
function framingOf(answer: Answer, { method, version }: { method: string; version: string }): Framing {
  const { status } = answer;
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) return "none";
  if (version === "1.1" && answer.header("transfer-encoding") === "chunked") return "chunked";
  return answer.header("content-length") === null ? "until close" : "length";
}

function fieldOf(line: string): [name: string, value: string] {
  const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
  if (name === undefined || value === undefined) throw new Error(`not a field: ${JSON.stringify(line)}`);
  return [name, value];
}
