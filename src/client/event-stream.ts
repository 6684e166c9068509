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

  /** At least one event arrived. */
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
        this.#hasBrought = true;
        yield message;
      }
    }
  }
}

/** @returns null for unknown events. Servers without `data=json` send the bare id as data. */
export function eventOf({ event, data }: EventSourceMessage): StreamEvent | null {
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
