/** Reads any PostgreSQL archive: ours, or one of agentsview of any age. */

import { WatchError } from "../../errors.ts";
import type { Clock } from "../../async/clock.ts";
import { ResourcePool } from "../../async/resource-pool.ts";
import type { Changes, Hint, ListQuery, Mark, MessageQuery, SessionPage, Store } from "../../watch/ports.ts";
import type { Message, SessionId, SessionVersion, Session } from "../../session/session.ts";
import { archiveFailure } from "../shared/archive-failure.ts";
import type { ArchiveAddress } from "./connect/archive-address.ts";
import { ReconnectingConnection } from "./connect/reconnecting-connection.ts";
import { NotifiedIds } from "./notify/notified-ids.ts";
import { NotifyListener } from "./notify/notify-listener.ts";
import { channelOf } from "./notify/trigger.ts";
import { readChanges } from "./read/changes.ts";
import type { IntrospectedTables } from "./read/introspection.ts";
import { readMessages } from "./read/messages.ts";
import { SchemaTables } from "./read/schema-tables.ts";
import type { Query } from "./read/schema-tables.ts";
import { findIds, readSessions, readSession } from "./read/sessions.ts";
import { StateReader } from "./read/states.ts";
import { postgresReason } from "./sql/postgres-errors.ts";
import type { Run } from "./sql/statement.ts";

/** How long (ms) notifications alone are relied on before all sessions are read again. */
const TRUST_MS = 15_000;
/** Lists and messages are read on this many connections, so that one slow query does not hold up the others. */
const READS_AT_ONCE = 2;
/** How long (ms) an unused connection for lists and messages stays open. */
const IDLE_MS = 30_000;
/** How long (ms) the server may be silent during a poll, even while a long answer is expected. */
const SILENCE_MS = 2500;

/** The last time that all sessions were read. */
interface FullRead {
  /** Its result; a caller that passes this mark knows what the read saw. */
  mark: Mark;
  atMs: number;
  /** `#coverage` when it began. */
  coverage: string | null;
}

/** Polls and LISTEN have a connection each; lists and messages, which can be large, share others. */
export class PostgresStore implements Store {
  readonly #address: ArchiveAddress;
  readonly #clock: Clock;
  readonly #polls: ReconnectingConnection;
  readonly #reads: readonly ReconnectingConnection[];
  readonly #readPool: ResourcePool<ReconnectingConnection>;
  readonly #listener: NotifyListener;
  readonly #states: StateReader;
  readonly #hints = new Set<Hint>();
  readonly #notified = new NotifiedIds();
  readonly #tables: SchemaTables;
  #lastFullRead: FullRead | null = null;

  constructor(address: ArchiveAddress, clock: Clock) {
    this.#address = address;
    this.#clock = clock;
    this.#states = new StateReader(clock);
    this.#tables = new SchemaTables(address.schema, () => {
      this.#lastFullRead = null;
      this.#listen();
    });
    this.#polls = new ReconnectingConnection(address, clock, {
      purpose: "poll",
      silenceMs: SILENCE_MS,
      onLost: () => this.#listener.proveAgain(),
    });
    this.#reads = Array.from(
      { length: READS_AT_ONCE },
      () => new ReconnectingConnection(address, clock, { purpose: "read", idleMs: IDLE_MS }),
    );
    this.#readPool = new ResourcePool(this.#reads);
    this.#listener = new NotifyListener(address, clock, {
      elsewhere: this.#polls.query,
      onChange: (ids) => {
        this.#notified.add(ids ?? []);
        for (const hint of this.#hints) hint(ids);
      },
    });
  }

  /** @throws WatchError `archive_unavailable`, `archive_unusable`. */
  async open(): Promise<IntrospectedTables> {
    return await this.#read(this.#polls, async (_run, tables) => tables);
  }

  /** Always null: a revision would cost the server as much as the changes themselves. */
  async revision(): Promise<null> {
    return null;
  }

  async states(ids: readonly SessionId[]): Promise<Map<SessionId, SessionVersion>> {
    return await this.#read(this.#polls, (run, tables) => this.#states.read(run, tables, ids));
  }

  async changes(mark: Mark | null): Promise<Changes> {
    const notified = this.#notified.take();
    try {
      return await this.#read(this.#polls, (run, tables) => this.#changesSince(run, tables, mark, notified));
    } catch (error) {
      this.#notified.add(notified);
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
    return await this.#readPooled((run, tables) => readSessions(run, tables, query));
  }

  async get(id: SessionId): Promise<Session | null> {
    return await this.#readPooled((run, tables) => readSession(run, tables, id));
  }

  async idsStartingWith(prefix: string, limit: number): Promise<SessionId[]> {
    return await this.#readPooled((run, tables) => findIds(run, tables, prefix, limit));
  }

  async messages(id: SessionId, query: MessageQuery = {}): Promise<Message[]> {
    return await this.#readPooled((run, tables) => readMessages(run, tables, id, query));
  }

  async close(): Promise<void> {
    this.#hints.clear();
    this.#listener.listenTo(null);
    await Promise.all([this.#polls, ...this.#reads].map((connection) => connection.close()));
  }

  /** @param notified the only sessions that can have changed, if no notification was missed since the last full read. */
  async #changesSince(
    run: Run,
    tables: IntrospectedTables,
    mark: Mark | null,
    notified: ReadonlySet<SessionId>,
  ): Promise<Changes> {
    const coverage = this.#coverage;
    const last = this.#lastFullRead;
    const isTrusted = last !== null && this.#clock.now() - last.atMs < TRUST_MS;
    if (isTrusted && last.mark === mark && coverage !== null && last.coverage === coverage) {
      const rows = await this.#states.read(run, tables, [...notified]);
      const states = new Map([...notified].map((id) => [id, rows.get(id) ?? null]));
      return { mark, states, total: null, isComplete: false, isScan: false, isFromNotifications: true };
    }
    const changes = await readChanges(run, tables, mark);
    this.#lastFullRead = { mark: changes.mark, atMs: this.#clock.now(), coverage };
    return changes;
  }

  /** The same value for as long as `#notified` has every session that changes; null while notifications may be lost. */
  get #coverage(): string | null {
    const { coverage } = this.#listener;
    return coverage === null ? null : `${coverage}/${this.#notified.overflows}`;
  }

  /** Listens while there are subscribers for hints and the archive has its triggers. */
  #listen(): void {
    const tables = this.#hints.size > 0 ? this.#tables.known : null;
    this.#listener.listenTo(tables?.notifies === true ? channelOf(tables.objectId) : null);
  }

  async #readPooled<T>(query: Query<T>): Promise<T> {
    return await this.#readPool.use((connection) => this.#read(connection, query));
  }

  async #read<T>({ query: run }: ReconnectingConnection, query: Query<T>): Promise<T> {
    try {
      return await this.#tables.ask(run, query);
    } catch (error) {
      throw cannotRead(this.#address.name, error);
    }
  }
}

function cannotRead(name: string, error: unknown): WatchError {
  if (error instanceof WatchError && error.code === "usage") return error;
  const code = error instanceof WatchError ? error.code : "archive_unavailable";
  return archiveFailure("read", name, postgresReason(error), { code, cause: error });
}
