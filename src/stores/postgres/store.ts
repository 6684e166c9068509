/** Reads any PostgreSQL archive, ours or an agentsview one of any age. */

import { WatchError } from "../../errors.ts";
import type { Changes, Hint, ListQuery, Mark, MessageQuery, SessionPage, Store } from "../../watch/ports.ts";
import type { MessageRow, SessionId, SessionState, SessionSummary } from "../../watch/session.ts";
import { readChanges } from "./reading/changes.ts";
import { Link } from "./connection/link.ts";
import type { Run } from "./connection/link.ts";
import { Listener } from "./push/listener.ts";
import { StaleTables } from "./reading/look.ts";
import { readMessages } from "./reading/messages.ts";
import { reasonOf } from "./connection/reasons.ts";
import { findIds, readSummaries, readSummary, sessionsOf } from "./reading/sessions.ts";
import { StateReader } from "./reading/states.ts";
import { findSchema, readTables } from "./reading/tables.ts";
import type { Tables } from "./reading/tables.ts";
import type { Target } from "./connection/target.ts";
import { channelOf } from "./push/trigger.ts";

/** How long (ms) an archive that tells of its changes is taken at its word. */
const TRUST_MS = 60_000;
/** So many sessions that were told are remembered: those who ask for all of them do so with every poll. */
const TOLD_MAX = 1000;
/** How long (ms) a connection for lists and messages stays open when nobody asks any more. */
const IDLE_MS = 30_000;
/** How long (ms) the server may be silent, also while it brings everything: longer, and it is not there. */
const SILENCE_MS = 2500;

/** A look at all sessions. */
interface Look {
  /** Up to where it saw them. */
  mark: Mark;
  atMs: number;
  /** What had been heard before. */
  hearing: string | null;
}

/** A connection for the polls, one to listen, and one for everything that people ask for: they may ask for much. */
export class PostgresStore implements Store {
  readonly #target: Target;
  readonly #polls: Link;
  readonly #questions: Link;
  readonly #listener: Listener;
  readonly #states = new StateReader();
  readonly #hints = new Set<Hint>();
  /** Null until they are known, and when they may have changed. */
  #tables: Tables | null = null;
  /** The first that were found. */
  #first: Pick<Tables, "schema" | "objectId"> | null = null;
  #looked: Look | null = null;
  /** What was told since all sessions were last looked at, or since whoever asked was last told of it. */
  #told = new Set<SessionId>();
  /** How often that was too much to be remembered. */
  #forgotten = 0;

  constructor(target: Target) {
    this.#target = target;
    this.#polls = new Link(target, { purpose: "poll", silenceMs: SILENCE_MS });
    this.#questions = new Link(target, { purpose: "read", idleMs: IDLE_MS, silenceMs: SILENCE_MS });
    this.#listener = new Listener(target, {
      elsewhere: this.#polls.query,
      onChange: (ids) => {
        for (const id of ids ?? []) this.#told.add(id);
        if (this.#told.size > TOLD_MAX) {
          this.#told.clear();
          this.#forgotten += 1;
        }
        for (const hint of this.#hints) hint(ids);
      },
    });
  }

  /** @throws WatchError `archive_unavailable`, `archive_unusable`. */
  async open(): Promise<Tables> {
    return await this.#read(this.#polls, async (_run, tables) => tables);
  }

  /** It could be said what has happened in the whole server, but at the cost of a question. */
  async revision(): Promise<null> {
    return null;
  }

  async states(ids: readonly SessionId[]): Promise<Map<SessionId, SessionState>> {
    return await this.#read(this.#polls, (run, tables) => this.#states.read(run, tables, ids));
  }

  async changes(mark: Mark | null): Promise<Changes> {
    const told = this.#told;
    // What is told from now on may be newer than the answer.
    this.#told = new Set();
    try {
      return await this.#read(this.#polls, (run, tables) => this.#changesSince(run, tables, mark, told));
    } catch (error) {
      for (const id of told) this.#told.add(id);
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
    return await this.#read(this.#questions, (run, tables) => readSummaries(run, tables, query));
  }

  async get(id: SessionId): Promise<SessionSummary | null> {
    return await this.#read(this.#questions, (run, tables) => readSummary(run, tables, id));
  }

  async idsStartingWith(prefix: string, limit: number): Promise<SessionId[]> {
    return await this.#read(this.#questions, (run, tables) => findIds(run, tables, prefix, limit));
  }

  async messages(id: SessionId, query: MessageQuery = {}): Promise<MessageRow[]> {
    return await this.#read(this.#questions, (run, tables) => readMessages(run, tables, id, query));
  }

  async close(): Promise<void> {
    this.#hints.clear();
    this.#listener.listenTo(null);
    await Promise.all([this.#polls.close(), this.#questions.close()]);
  }

  /** @param told what may have changed since the last look, if all that was told since then was heard. */
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
      return { mark, states, total: null, isComplete: false, isScan: false };
    }
    const changes = await readChanges(run, tables, mark);
    this.#looked = { mark: changes.mark, atMs: performance.now(), hearing };
    return changes;
  }

  /** The same only as long as everything was heard, and is in `#told`; null while nothing is. */
  get #hearing(): string | null {
    const { hearing } = this.#listener;
    return hearing === null ? null : `${hearing}/${this.#forgotten}`;
  }

  /** Nobody listens for nobody; and an archive that does not tell of its changes is not listened to. */
  #listen(): void {
    const isWanted = this.#hints.size > 0 && this.#tables?.tellsChanges === true;
    this.#listener.listenTo(isWanted && this.#tables !== null ? channelOf(this.#tables.objectId) : null);
  }

  async #read<T>(link: Link, query: (run: Run, tables: Tables) => Promise<T>): Promise<T> {
    try {
      try {
        return await query(link.query, await this.#known(link));
      } catch (error) {
        // The tables are not what they were: whoever has changed them has done so between two looks.
        if (!(error instanceof StaleTables) && !isSchemaError(error)) throw error;
        this.#tables = null;
        return await query(link.query, await this.#known(link));
      }
    } catch (error) {
      throw cannotRead(this.#target.name, error);
    }
  }

  async #known({ query }: Link): Promise<Tables> {
    if (this.#tables !== null) return this.#tables;
    // While it is being restored, another schema's sessions are not its own.
    const schema = await findSchema(query, this.#target.schema ?? this.#first?.schema ?? null);
    const tables = await readTables(query, schema);
    this.#first ??= tables;
    if (tables.objectId !== this.#first.objectId) await checkRestored(query, tables);
    this.#tables = tables;
    this.#looked = null;
    this.#listen();
    return tables;
  }
}

/**
 * A restore makes the tables first and fills them later: until then, nothing was deleted.
 *
 * @throws WatchError `archive_unavailable`
 */
async function checkRestored(run: Run, tables: Tables): Promise<void> {
  const rows = await run(`SELECT FROM ${sessionsOf(tables)} LIMIT 1`);
  if (rows.length === 0)
    throw new WatchError("archive_unavailable", "its sessions table was made anew, and is still empty");
}

/** A table, a column or a schema is not there, or not what it was: "syntax error or access rule violation", but for rights. */
function isSchemaError(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  if (typeof code !== "string" || code === "42501") return false;
  return code.startsWith("42") || code === "3F000";
}

function cannotRead(name: string, error: unknown): WatchError {
  if (error instanceof WatchError && error.code === "usage") return error;
  const code = error instanceof WatchError ? error.code : "archive_unavailable";
  return new WatchError(code, `Cannot read archive ${JSON.stringify(name)}: ${reasonOf(error)}`, {
    cause: error,
  });
}
