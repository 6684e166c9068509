/** Reads any PostgreSQL archive, ours or an agentsview one of any age. */

import { WatchError } from "../../errors.ts";
import type { Changes, Hint, ListQuery, Mark, MessageQuery, SessionPage, Store } from "../../watch/ports.ts";
import type { Message, SessionId, SessionVersion, Session } from "../../session/session.ts";
import { archiveFailure } from "../shared/archive-failure.ts";
import { Catalog } from "./catalog.ts";
import type { Query } from "./catalog.ts";
import { LinkPool } from "./connect/link-pool.ts";
import { Link } from "./connect/link.ts";
import type { Run } from "./connect/run.ts";
import { reasonOf } from "./connect/reasons.ts";
import type { Target } from "./connect/target.ts";
import { Listener } from "./notify/listener.ts";
import { Told } from "./notify/told.ts";
import { channelOf } from "./notify/trigger.ts";
import { readChanges } from "./read/changes.ts";
import { readMessages } from "./read/messages.ts";
import { findIds, readSessions, readSession } from "./read/sessions.ts";
import { StateReader } from "./read/states.ts";
import type { Tables } from "./read/tables.ts";

/** How long (ms) an archive that tells of its changes is taken at its word. */
const TRUST_MS = 15_000;
/** So many lists and messages are read at once: one that takes its time is not in everybody's way. */
const QUESTIONS_AT_ONCE = 2;
/** How long (ms) a connection for lists and messages stays open when nobody asks any more. */
const IDLE_MS = 30_000;
/** How long (ms) the server may be silent, also while it brings everything: longer, and it is not there. */
const SILENCE_MS = 2500;

/** A look at all sessions. */
interface Look {
  /** What it gave, so that whoever comes with it knows what the look has seen. */
  mark: Mark;
  atMs: number;
  /** `#hearing` when it began. */
  hearing: string | null;
}

/** A connection for the polls, one to listen, and some for everything that people ask for: they may ask for much. */
export class PostgresStore implements Store {
  readonly #target: Target;
  readonly #polls: Link;
  readonly #questions: LinkPool;
  readonly #listener: Listener;
  readonly #states = new StateReader();
  readonly #hints = new Set<Hint>();
  readonly #told = new Told();
  readonly #catalog: Catalog;
  #looked: Look | null = null;

  constructor(target: Target) {
    this.#target = target;
    this.#catalog = new Catalog(target.schema, () => {
      this.#looked = null;
      this.#listen();
    });
    this.#polls = new Link(target, {
      purpose: "poll",
      silenceMs: SILENCE_MS,
      onLost: () => this.#listener.proveAgain(),
    });
    const newLink = (): Link => new Link(target, { purpose: "read", idleMs: IDLE_MS });
    this.#questions = new LinkPool(Array.from({ length: QUESTIONS_AT_ONCE }, newLink));
    this.#listener = new Listener(target, {
      elsewhere: this.#polls.query,
      onChange: (ids) => {
        this.#told.add(ids ?? []);
        for (const hint of this.#hints) hint(ids);
      },
    });
  }

  /** @throws WatchError `archive_unavailable`, `archive_unusable`. */
  async open(): Promise<Tables> {
    return await this.#read(this.#polls, async (_run, tables) => tables);
  }

  /** None: to ask the server for one would cost as much as to ask for the changes. */
  async revision(): Promise<null> {
    return null;
  }

  async states(ids: readonly SessionId[]): Promise<Map<SessionId, SessionVersion>> {
    return await this.#read(this.#polls, (run, tables) => this.#states.read(run, tables, ids));
  }

  async changes(mark: Mark | null): Promise<Changes> {
    const told = this.#told.take();
    try {
      return await this.#read(this.#polls, (run, tables) => this.#changesSince(run, tables, mark, told));
    } catch (error) {
      this.#told.add(told);
      throw error;
    }
  }

  onHint(hint: Hint): () => void {
    this.#hints.add(hint);
    this.#listen();
    return () => {
      this.#hints.delete(hint);
      this.#listen();
    };
  }

  async list(query: ListQuery = {}): Promise<SessionPage> {
    return await this.#question((run, tables) => readSessions(run, tables, query));
  }

  async get(id: SessionId): Promise<Session | null> {
    return await this.#question((run, tables) => readSession(run, tables, id));
  }

  async idsStartingWith(prefix: string, limit: number): Promise<SessionId[]> {
    return await this.#question((run, tables) => findIds(run, tables, prefix, limit));
  }

  async messages(id: SessionId, query: MessageQuery = {}): Promise<Message[]> {
    return await this.#question((run, tables) => readMessages(run, tables, id, query));
  }

  async close(): Promise<void> {
    this.#hints.clear();
    this.#listener.listenTo(null);
    await Promise.all([this.#polls.close(), this.#questions.close()]);
  }

  /** @param told the only sessions that may have changed since the last look, if everything since then was heard. */
  async #changesSince(
    run: Run,
    tables: Tables,
    mark: Mark | null,
    told: ReadonlySet<SessionId>,
  ): Promise<Changes> {
    const hearing = this.#hearing;
    const looked = this.#looked;
    const isTrusted = looked !== null && performance.now() - looked.atMs < TRUST_MS;
    if (isTrusted && looked.mark === mark && hearing !== null && looked.hearing === hearing) {
      const rows = await this.#states.read(run, tables, [...told]);
      const states = new Map([...told].map((id) => [id, rows.get(id) ?? null]));
      return { mark, states, total: null, isComplete: false, isScan: false, isHearsay: true };
    }
    const changes = await readChanges(run, tables, mark);
    this.#looked = { mark: changes.mark, atMs: performance.now(), hearing };
    return changes;
  }

  /** Stays the same for as long as `#told` has every session that changes; null while changes may go unheard. */
  get #hearing(): string | null {
    const { hearing } = this.#listener;
    return hearing === null ? null : `${hearing}/${this.#told.overflows}`;
  }

  /** Listens if somebody wants hints, and the archive tells of its changes. */
  #listen(): void {
    const tables = this.#hints.size > 0 ? this.#catalog.tables : null;
    this.#listener.listenTo(tables?.tellsChanges === true ? channelOf(tables.objectId) : null);
  }

  async #question<T>(query: Query<T>): Promise<T> {
    return await this.#questions.use((link) => this.#read(link, query));
  }

  async #read<T>({ query: run }: Link, query: Query<T>): Promise<T> {
    try {
      return await this.#catalog.ask(run, query);
    } catch (error) {
      throw cannotRead(this.#target.name, error);
    }
  }
}

function cannotRead(name: string, error: unknown): WatchError {
  if (error instanceof WatchError && error.code === "usage") return error;
  const code = error instanceof WatchError ? error.code : "archive_unavailable";
  return archiveFailure("read", name, reasonOf(error), { code, cause: error });
}
