/** Clients that read the bytes of streams: Server-Sent Events, or JSON lines. */

import { within } from "./program.ts";

class StreamClient implements AsyncDisposable {
  readonly response: Response;
  readonly #reader: ReadableStreamDefaultReader<string>;
  readonly #abort: AbortController;
  #text = "";

  constructor(response: Response, abort: AbortController) {
    this.response = response;
    this.#abort = abort;
    if (response.body === null) throw new Error("the response has no body");
    this.#reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Everything up to the next `end`, without it. */
  protected async until(end: string): Promise<string> {
    for (;;) {
      const at = this.#text.indexOf(end);
      if (at >= 0) {
        const piece = this.#text.slice(0, at);
        this.#text = this.#text.slice(at + end.length);
        return piece;
      }
      const { done, value } = await within(
        this.#reader.read(),
        () => `a frame after ${JSON.stringify(this.#text)}`,
      );
      if (done) throw new Error("the stream has ended");
      this.#text += value;
    }
  }

  /** Resolves when the server has ended the stream. */
  async end(): Promise<void> {
    while (!(await within(this.#reader.read(), () => "the end of the stream")).done) continue;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#reader.cancel().catch(alreadyAborted);
  }
}

export class SseClient extends StreamClient {
  static async open(url: string, headers: Record<string, string> = {}): Promise<SseClient> {
    return new SseClient(...(await request(url, headers)));
  }

  /** Everything up to the next empty line, without it. */
  frame(): Promise<string> {
    return this.until("\n\n");
  }

  /** The fields of the next event, without the heartbeat that opens the stream. */
  async event(): Promise<{ id?: string; event: string; data: string }> {
    for (;;) {
      const fields = (await this.frame()).split("\n").filter((line) => !line.startsWith(":"));
      const valuesOf = (name: string): string[] =>
        fields.filter((field) => field.startsWith(`${name}: `)).map((field) => field.slice(name.length + 2));
      const [event] = valuesOf("event");
      const [id] = valuesOf("id");
      if (event !== undefined && (event !== "heartbeat" || id === undefined))
        return { ...(id === undefined ? {} : { id }), event, data: valuesOf("data").join("\n") };
    }
  }
}

export class LineClient extends StreamClient {
  static async open(url: string, headers: Record<string, string>): Promise<LineClient> {
    return new LineClient(...(await request(url, headers)));
  }

  /** The next line. */
  async json(): Promise<Record<string, unknown>> {
    return JSON.parse(await this.until("\n")) as Record<string, unknown>;
  }
}

async function request(url: string, headers: Record<string, string>): Promise<[Response, AbortController]> {
  const abort = new AbortController();
  return [await within(fetch(url, { headers, signal: abort.signal }), () => `headers of ${url}`), abort];
}

/** Cancelling after the abort has nothing left to do. */
function alreadyAborted(): void {}
