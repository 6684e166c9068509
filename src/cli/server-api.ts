/** The HTTP interface of a server, as a client sees it: ours, or agentsview's. */

import { EventSourceParserStream } from "eventsource-parser/stream";
import type { EventSourceMessage } from "eventsource-parser";
import { messageOf, WatchError } from "../errors.ts";
import { systemClock } from "../runtime/clock.ts";
import type { SessionId, SessionSummary } from "../watch/session.ts";

/** Of a list of sessions, as the wire has it. */
export interface Page {
  sessions: SessionSummary[];
  /** Where the next page begins; null or missing on the last one. */
  next_cursor?: string | null;
}

/** Every method throws WatchError `session_not_found` on 404, `server_unreachable` on anything else that is no success. */
export class ServerApi {
  readonly #base: URL;
  readonly #signal: AbortSignal;
  readonly #silenceMs: number;

  /**
   * @param silenceMs a stream without a byte for so long is taken for dead: ours send one every 15 s, agentsview's
   * every 30 s.
   * @throws WatchError `usage` if `server` is no URL of a server.
   */
  constructor(server: string, signal: AbortSignal, silenceMs = 45_000) {
    this.#base = baseOf(server);
    this.#signal = signal;
    this.#silenceMs = silenceMs;
  }

  get origin(): string {
    return this.#base.origin;
  }

  /** Newest activity first; `cursor` is where an earlier page ended. */
  async sessions(limit: number, cursor?: string): Promise<Page> {
    const after = cursor === undefined ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const response = await this.#request(`sessions?limit=${limit}${after}`);
    const page = (await response.json()) as Partial<Page>;
    return { sessions: page.sessions ?? [], next_cursor: page.next_cursor ?? null };
  }

  async session(id: SessionId): Promise<SessionSummary> {
    const response = await this.#request(`sessions/${encodeURIComponent(id)}`);
    return (await response.json()) as SessionSummary;
  }

  /** @param cursor the last id that was seen. */
  async *events(id: SessionId, cursor: string | undefined): AsyncGenerator<EventSourceMessage, void, void> {
    const headers = {
      accept: "text/event-stream",
      ...(cursor === undefined ? {} : { "last-event-id": cursor }),
    };
    const { body } = await this.#request(`sessions/${encodeURIComponent(id)}/watch?data=json`, headers);
    if (body === null) return;
    const watchdog = new Watchdog(this.#silenceMs, this.#signal);
    try {
      yield* body
        .pipeThrough(watchdog.stream, { signal: watchdog.signal })
        .pipeThrough(new TextDecoderStream())
        .pipeThrough(new EventSourceParserStream());
    } catch (error) {
      throw unreachable(this.origin, error);
    } finally {
      watchdog.stop();
    }
  }

  async #request(path: string, headers: Record<string, string> = {}): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(new URL(path, this.#base), { headers, signal: this.#signal });
    } catch (error) {
      throw unreachable(this.origin, error);
    }
    if (response.ok) return response;
    const reason = reasonIn(await response.text()) ?? `HTTP ${response.status}`;
    if (response.status === 404) throw new WatchError("session_not_found", reason);
    throw new WatchError("server_unreachable", `${this.origin} answered ${response.status}: ${reason}`);
  }
}

function baseOf(server: string): URL {
  let url: URL;
  try {
    url = new URL(server);
  } catch (error) {
    throw new WatchError(
      "usage",
      `--server: not a URL: ${JSON.stringify(server)}; use one such as http://127.0.0.1:7373`,
      {
        cause: error,
      },
    );
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new WatchError("usage", `--server: ${url.protocol} is not HTTP; use http:// or https://`);
  }
  return new URL("api/v1/", url.href.endsWith("/") ? url : `${url.href}/`);
}

/** Aborts a stream through which nothing has passed for a while, or that is to end. */
class Watchdog {
  readonly #silence = new AbortController();
  readonly #ms: number;
  readonly #end: AbortSignal;
  #forget: () => void;
  readonly stream = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform: (chunk, controller) => {
      this.#forget();
      this.#forget = this.#wait();
      controller.enqueue(chunk);
    },
  });

  /**
   * @param ms longest silence.
   * @param end ends the stream. On Deno the signal of the fetch does not always end a body that is being read.
   */
  constructor(ms: number, end: AbortSignal) {
    this.#ms = ms;
    this.#end = end;
    this.#forget = this.#wait();
    end.addEventListener("abort", this.#abort);
    if (end.aborted) this.#abort();
  }

  get signal(): AbortSignal {
    return this.#silence.signal;
  }

  stop(): void {
    this.#forget();
    this.#end.removeEventListener("abort", this.#abort);
  }

  readonly #abort = (): void => this.#silence.abort(this.#end.reason);

  #wait(): () => void {
    return systemClock.after(this.#ms, () =>
      this.#silence.abort(new Error(`nothing came for ${this.#ms / 1000} s`)),
    );
  }
}

function unreachable(origin: string, cause: unknown): WatchError {
  return new WatchError("server_unreachable", `cannot reach ${origin}: ${reasonOf(cause)}`, { cause });
}

/** Each runtime has its own words for the common cases, and its own place to put them. */
function reasonOf(error: unknown): string {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: { code?: unknown; message?: unknown } };
  const words = [code, messageOf(error), cause?.code, cause?.message].join(" ");
  return REASONS.find(([pattern]) => pattern.test(words))?.[1] ?? messageOf(error);
}

const REASONS: readonly [pattern: RegExp, reason: string][] = [
  [/ECONNREFUSED|connection ?refused/i, "connection refused"],
  [/ECONNRESET|connection ?reset|socket connection was closed/i, "connection lost"],
  [/ENOTFOUND|FailedToOpenSocket|dns error/i, "there is no such host"],
];

function reasonIn(body: string): string | null {
  try {
    const { error } = JSON.parse(body) as { error?: unknown };
    return typeof error === "string" ? error : null;
  } catch {
    // Not from one of our servers: the status says enough.
    return null;
  }
}
