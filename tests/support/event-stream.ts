/**
 * An event stream as the standard reads it: written from its text alone, and so a judge of what our server writes
 * that shares no code with it or with any parser that we use.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */

/** What an `EventSource` hands to its listeners. */
export interface Message {
  /** The event's name; `message` where the stream gave none. */
  type: string;
  data: string;
  lastEventId: string;
}

/** Takes the bytes of a stream in pieces of any size. */
export class EventStream {
  /** All that were dispatched, in order. */
  readonly messages: Message[] = [];
  /** What stood behind the colon of each comment. The standard ignores them; who tests a server does not. */
  readonly comments: string[] = [];
  /** What a client would send as `Last-Event-ID` if the connection broke now. */
  lastEventId = "";
  /** The last valid `retry`, in ms; null before there was one. */
  reconnectionTimeMs: number | null = null;
  /** A byte order mark at the very beginning is not part of the stream; the decoder drops it. */
  readonly #decoder = new TextDecoder();
  #line = "";
  #skipLineFeed = false;
  #data = "";
  #type = "";
  #idBuffer = "";

  /** @returns what these bytes have completed. */
  feed(bytes: Uint8Array): Message[] {
    const before = this.messages.length;
    for (const character of this.#decoder.decode(bytes, { stream: true })) this.#take(character);
    return this.messages.slice(before);
  }

  #take(character: string): void {
    // A carriage return ends its line at once: waiting to see whether a line feed follows would delay the event.
    const isSecondHalf = this.#skipLineFeed && character === "\n";
    this.#skipLineFeed = character === "\r";
    if (isSecondHalf) return;
    if (character !== "\n" && character !== "\r") {
      this.#line += character;
      return;
    }
    const line = this.#line;
    this.#line = "";
    this.#interpret(line);
  }

  #interpret(line: string): void {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) this.comments.push(line.slice(1));
    else if (colon > 0) this.#process(line.slice(0, colon), line.slice(colon + 1).replace(/^ /, ""));
    else this.#process(line, "");
  }

  /** Field names are compared literally: `Data` is none. */
  #process(field: string, value: string): void {
    if (field === "event") this.#type = value;
    else if (field === "data") this.#data += `${value}\n`;
    else if (field === "id" && !value.includes("\0")) this.#idBuffer = value;
    else if (field === "retry" && /^[0-9]+$/.test(value))
      this.reconnectionTimeMs = Number.parseInt(value, 10);
  }

  #dispatch(): void {
    // Before the data is looked at: a block that is no event still moves the cursor.
    this.lastEventId = this.#idBuffer;
    const data = this.#data;
    const type = this.#type === "" ? "message" : this.#type;
    this.#data = "";
    this.#type = "";
    if (data !== "") this.messages.push({ type, data: data.slice(0, -1), lastEventId: this.lastEventId });
  }
}
