/** The HTTP API of a server, ours or agentsview's, as a client uses it. */

import { WatchError } from "../errors.ts";
import type { Clock } from "../async/clock.ts";
import { Deadline } from "../async/deadline.ts";
import type { SessionPage } from "../watch/ports.ts";
import type { Filter } from "../session/filter.ts";
import type { SessionId, Session } from "../session/session.ts";
import { everySession } from "../watch/pages.ts";
import { EventStream } from "./event-stream.ts";
import { answerFailure, connectionFailure, ServerFailure } from "./server-failure.ts";
import { routesOf } from "./server-url.ts";

export interface ServerApiOptions {
  /** Ends all requests; its reason is thrown. */
  signal: AbortSignal;
  clock: Clock;
  /** @default null */
  token?: string | null;
  /** How long (ms) a server may take to begin an answer, or pause within one. @default 10_000 */
  answerMs?: number;
  /** A stream that is silent this long (ms) is dead: ours send every 15 s, agentsview's every 30 s. @default 45_000 */
  silenceMs?: number;
}

/** The answer to a request, and the deadline of what is still to come of it. */
interface Answer {
  response: Response;
  deadline: Deadline;
}

/** Sessions in one page; agentsview gives no more. */
const PAGE_SIZE = 500;
const MAX_REDIRECTS = 5;

/** Every method throws ServerFailure if another attempt may help, and WatchError `server_refused` if not. */
export class ServerApi {
  readonly #routes: URL;
  readonly #options: Required<ServerApiOptions>;

  /** @throws WatchError `usage` if `server` is no URL of a server. */
  constructor(server: string, options: ServerApiOptions) {
    const { token = null, answerMs = 10_000, silenceMs = 45_000 } = options;
    this.#routes = routesOf(server);
    this.#options = { ...options, token, answerMs, silenceMs };
  }

  get origin(): string {
    return this.#routes.origin;
  }

  /** Newest activity first, as pages are read. */
  sessions(filter: Filter = {}): AsyncGenerator<Session, void, void> {
    return everySession((cursor) => this.#page({ ...filter, ...(cursor === undefined ? {} : { cursor }) }));
  }

  /** @returns null if there is no such session. */
  async session(id: SessionId): Promise<Session | null> {
    return (await this.#json(`sessions/${encodeURIComponent(id)}`)) as Session | null;
  }

  /**
   * @param route of the stream.
   * @param cursor the last event id that was seen.
   * @returns null if there is no such stream.
   */
  async stream(route: string, cursor: string | undefined): Promise<EventStream | null> {
    const answer = await this.#ask(route, {
      accept: "text/event-stream",
      ...(cursor === undefined ? {} : { "last-event-id": cursor }),
    });
    // Other servers may answer unknown routes with a page of their own.
    if (answer !== null && isOfType(answer.response, "text/event-stream"))
      return new EventStream(this.#body(answer, this.#options.silenceMs));
    answer?.deadline.cancel();
    return null;
  }

  async #page(query: Record<string, string>): Promise<Omit<SessionPage, "total">> {
    const parameters = new URLSearchParams({ limit: String(PAGE_SIZE), ...query });
    const page = (await this.#json(`sessions?${parameters}`)) as {
      sessions?: Session[] | null;
      next_cursor?: string | null;
    } | null;
    if (page === null) throw this.#notOurs();
    return { sessions: page.sessions ?? [], nextCursor: page.next_cursor ?? null };
  }

  /** @returns null on a 404. */
  async #json(path: string): Promise<object | null> {
    const answer = await this.#ask(path, { accept: "application/json" });
    if (answer === null) return null;
    const text = await this.#text(answer);
    if (!isOfType(answer.response, "application/json")) throw this.#notOurs();
    try {
      const value = JSON.parse(text) as unknown;
      if (typeof value === "object" && value !== null) return value;
    } catch (error) {
      throw new ServerFailure(
        `cannot understand ${this.origin}: its answer is incomplete`,
        "incomplete answer",
        {
          cause: error,
        },
      );
    }
    throw this.#notOurs();
  }

  /** Follows redirects. @returns null on a 404. */
  async #ask(path: string, headers: Record<string, string>): Promise<Answer | null> {
    const { clock, signal } = this.#options;
    let url = new URL(path, this.#routes);
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      const deadline = new Deadline(clock, signal);
      const response = await this.#fetch(url, headers, deadline);
      if (response.ok) return { response, deadline };
      const body = await this.#text({ response, deadline });
      const location = response.headers.get("location");
      if (response.status === 404) return null;
      if (location === null || response.status >= 400)
        throw answerFailure(this.origin, { response, body, hadToken: this.#tokenFor(url) !== null });
      url = this.#redirected(location, url);
    }
    throw new WatchError("server_refused", `${this.origin} redirects in a loop`);
  }

  async #fetch(url: URL, headers: Record<string, string>, deadline: Deadline): Promise<Response> {
    const { signal, answerMs } = this.#options;
    const token = this.#tokenFor(url);
    const init = {
      headers: token !== null ? { ...headers, authorization: `Bearer ${token}` } : headers,
      redirect: "manual",
      signal: deadline.signal,
    } as const;
    try {
      return await deadline.within(answerMs, fetch(url, init), () => silent(answerMs));
    } catch (error) {
      signal.throwIfAborted();
      throw connectionFailure(this.origin, error);
    }
  }

  /** Only the server that the caller named may see the token. */
  #tokenFor({ origin }: URL): string | null {
    return origin === this.origin ? this.#options.token : null;
  }

  #redirected(location: string, from: URL): URL {
    const url = URL.parse(location, from);
    if (url !== null && /^https?:$/.test(url.protocol)) return url;
    throw this.#notOurs();
  }

  async #text(answer: Answer): Promise<string> {
    const decoder = new TextDecoder();
    let text = "";
    for await (const chunk of this.#body(answer, this.#options.answerMs))
      text += decoder.decode(chunk, { stream: true });
    return text + decoder.decode();
  }

  async *#body({ response, deadline }: Answer, silenceMs: number): AsyncGenerator<Uint8Array, void, void> {
    if (response.body === null) return;
    const reader = response.body.getReader();
    try {
      for (;;) {
        const { done, value } = await deadline.within(silenceMs, reader.read(), () => silent(silenceMs));
        if (done) return;
        yield value;
      }
    } catch (error) {
      this.#options.signal.throwIfAborted();
      throw connectionFailure(this.origin, error);
    } finally {
      deadline.cancel();
    }
  }

  #notOurs(): WatchError {
    return new WatchError("server_refused", `${this.origin} does not answer like a sessionwatch server`);
  }
}

function silent(ms: number): Error {
  return new Error(`no data for ${ms / 1000} s`);
}

function isOfType({ headers }: Response, type: string): boolean {
  return headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() === type;
}
