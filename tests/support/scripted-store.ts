/** An archive in memory whose answers come when a test says so: as late, and in as bad a moment, as it likes. */

import type { SessionId, SessionVersion } from "../../src/session/session.ts";
import type { Changes, Hint, Mark, Store } from "../../src/watch/ports.ts";

/** How an archive knows what has changed: from a log, by reading everything, or by a count and what it was notified of. */
export type Bookkeeping = "log" | "scan" | "count";

export class ScriptedStore {
  /** Whether questions are answered at once, and not by `answer()`. */
  isPrompt = true;
  isFailing = false;
  /** Questions that were asked. */
  asked: string[] = [];
  readonly #bookkeeping: Bookkeeping;
  readonly #sessions = new Map<SessionId, number>();
  /** In the order of changes. */
  readonly #log: SessionId[] = [];
  readonly #listeners = new Set<Hint>();
  readonly #pending: (() => void)[] = [];
  /** Changes that no notification has told of, in an archive that goes by notifications. */
  readonly #unheard = new Set<SessionId>();
  #lists = 0;
  #versions = 0;

  constructor(bookkeeping: Bookkeeping) {
    this.#bookkeeping = bookkeeping;
  }

  /** @returns the session's version; null if there is no such session. */
  version(id: SessionId): string | null {
    const version = this.#sessions.get(id);
    return version === undefined ? null : `v${version}`;
  }

  /** Changes or creates the session. */
  write(id: SessionId): void {
    this.#versions += 1;
    this.#sessions.set(id, this.#versions);
    this.#note(id);
  }

  remove(id: SessionId): void {
    if (this.#sessions.delete(id)) this.#note(id);
  }

  #note(id: SessionId): void {
    this.#log.push(id);
    this.#unheard.add(id);
  }

  hint(ids: readonly SessionId[] | null): void {
    for (const id of ids ?? [...this.#unheard]) {
      // A mark may have gone past the change while nothing had told of it.
      if (ids === null && this.#bookkeeping === "count") this.#log.push(id);
      this.#unheard.delete(id);
    }
    for (const listener of this.#listeners) listener(ids);
  }

  /** Lets the oldest question that waits have its answer. @returns false if none waits. */
  answer(): boolean {
    const next = this.#pending.shift();
    next?.();
    return next !== undefined;
  }

  get store(): Store {
    const unasked = (): never => {
      throw new TypeError("the feed does not ask this");
    };
    return {
      revision: () =>
        this.#reply("revision", () => (this.#bookkeeping === "count" ? null : String(this.#log.length))),
      states: (ids) => this.#reply(`states ${ids.join(" ")}`, () => this.#rows(ids)),
      changes: (mark) => this.#reply(`changes ${mark}`, () => this.#changes(mark)),
      onHint: (hint) => {
        this.#listeners.add(hint);
        return () => this.#listeners.delete(hint);
      },
      list: unasked,
      get: unasked,
      idsStartingWith: unasked,
      messages: unasked,
      close: async () => undefined,
    };
  }

  /** The question is answered from what the archive is when it is asked, or when the answer leaves, by turns. */
  #reply<T>(question: string, read: () => T): Promise<T> {
    this.asked.push(question);
    const isEarly = this.asked.length % 2 === 0;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const early = isEarly ? read() : undefined;
    const answer = (): void => {
      if (this.isFailing) reject(new Error("it cannot be read"));
      else resolve(early ?? read());
    };
    if (this.isPrompt) answer();
    else this.#pending.push(answer);
    return promise;
  }

  #rows(ids: Iterable<SessionId>): Map<SessionId, SessionVersion> {
    const rows = new Map<SessionId, SessionVersion>();
    for (const id of ids) {
      const version = this.version(id);
      if (version !== null)
        rows.set(id, {
          version,
          messageCount: 1,
          sourceToken: null,
          project: null,
          agent: null,
          machine: null,
        });
    }
    return rows;
  }

  #changes(mark: Mark | null): Changes {
    const next = String(this.#log.length);
    const total = this.#bookkeeping === "log" ? null : this.#sessions.size;
    if (mark === null || this.#bookkeeping === "scan") {
      const states = this.#rows(this.#sessions.keys());
      return { mark: next, states, isComplete: true, total, isScan: true, isFromNotifications: false };
    }
    const changed = new Set(this.#log.slice(Number(mark)));
    // One that goes by notifications looks at everything now and then.
    const isFromNotifications = this.#bookkeeping === "count" && (this.#lists += 1) % 5 !== 0;
    if (this.#bookkeeping === "count")
      for (const id of this.#unheard) changed[isFromNotifications ? "delete" : "add"](id);
    const rows = this.#rows(changed);
    // One that only counts does not say which ones have gone.
    const states = new Map<SessionId, SessionVersion | null>(
      [...changed].flatMap((id) => {
        const row = rows.get(id) ?? null;
        return row === null && this.#bookkeeping === "count" ? [] : [[id, row] as const];
      }),
    );
    return { mark: next, states, isComplete: false, total, isScan: false, isFromNotifications };
  }
}
