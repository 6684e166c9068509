/** The Server-Sent Events of one connection. */

import { createParser } from "eventsource-parser";
import type { EventSourceMessage } from "eventsource-parser";
import type { StreamEvent } from "../session/events.ts";

/** Far more characters than any event of ours: a server that sends more must not fill the memory. */
const MAX_EVENT_LENGTH = 1_000_000;

export class EventStream implements AsyncIterable<EventSourceMessage> {
  readonly #bytes: AsyncIterable<Uint8Array>;
  #retryMs: number | null = null;
  #hasBrought = false;

  /** @param bytes the response's body. */
  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#bytes = bytes;
  }

  /** How long (ms) the server asks clients to wait before they reconnect; null if it did not say. */
  get retryMs(): number | null {
    return this.#retryMs;
  }

  /** At least one event arrived after the heartbeat that opens the stream. */
  get hasBrought(): boolean {
    return this.#hasBrought;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<EventSourceMessage, void, void> {
    const complete: EventSourceMessage[] = [];
    const parser = createParser({
      maxBufferSize: MAX_EVENT_LENGTH,
      onEvent: (message) => complete.push(message),
      onRetry: (ms) => {
        this.#retryMs = ms;
      },
      onError: (error) => {
        // The specification says to ignore unknown fields and bad retry values.
        if (error.type === "max-buffer-size-exceeded") throw error;
      },
    });
    const decoder = new TextDecoder();
    for await (const chunk of this.#bytes) {
      parser.feed(decoder.decode(chunk, { stream: true }));
      for (const message of complete.splice(0)) {
        if (!opensStream(message)) this.#hasBrought = true;
        yield message;
      }
    }
  }
}

/** @returns null for events that a follower does not need. Servers without `data=json` send the bare id as data. */
export function eventOf(message: EventSourceMessage): StreamEvent | null {
  if (opensStream(message)) return null;
  const { event, data } = message;
  switch (event) {
    case "heartbeat":
    case "degraded":
    case "recovered":
    case "reset":
    case "session_updated":
    case "session_deleted":
      return withFields(event, data);
    default:
      return null;
  }
}

/** The first heartbeat only carries the client's position; later ones have no id. */
function opensStream({ event, id }: EventSourceMessage): boolean {
  return event === "heartbeat" && id !== undefined;
}

function withFields(event: StreamEvent["event"], data: string): StreamEvent {
  if (event !== "heartbeat" && data.startsWith("{")) {
    try {
      const fields = JSON.parse(data) as StreamEvent;
      if (fields.event === event) return fields;
    } catch {
      // Not JSON: an id may begin with a brace, too.
    }
  }
  return { event, data } as StreamEvent;
}
