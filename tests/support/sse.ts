/** Reads a stream of Server-Sent Events as the bytes that they are. */

import { within } from "./program.ts";

export class SseClient implements AsyncDisposable {
  readonly response: Response;
  readonly #reader: ReadableStreamDefaultReader<string>;
  readonly #abort: AbortController;
  #text = "";

  private constructor(response: Response, abort: AbortController) {
    this.response = response;
    this.#abort = abort;
    if (response.body === null) throw new Error("the response has no body");
    this.#reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<SseClient> {
    const abort = new AbortController();
    const response = await within(fetch(url, { headers, signal: abort.signal }), () => `headers of ${url}`);
    return new SseClient(response, abort);
  }

  /** Everything up to the next empty line, without it. */
  async frame(): Promise<string> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end >= 0) {
        const frame = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return frame;
      }
      const { done, value } = await within(
        this.#reader.read(),
        () => `a frame after ${JSON.stringify(this.#text)}`,
      );
      if (done) throw new Error("the stream has ended");
      this.#text += value;
    }
  }

  /** The next frame that is an event, with its fields. */
  async event(): Promise<{ id?: string; event: string; data: string }> {
    for (;;) {
      const fields = (await this.frame()).split("\n").filter((line) => !line.startsWith(":"));
      const valuesOf = (name: string): string[] =>
        fields.filter((field) => field.startsWith(`${name}: `)).map((field) => field.slice(name.length + 2));
      const [event] = valuesOf("event");
      const [id] = valuesOf("id");
      if (event !== undefined)
        return { ...(id === undefined ? {} : { id }), event, data: valuesOf("data").join("\n") };
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

/** Cancelling after the abort has nothing left to do. */
function alreadyAborted(): void {}
