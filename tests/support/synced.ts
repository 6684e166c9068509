/** A real archive with an engine that syncs a Claude Code folder into it, and all that is in it. */

import { DatabaseSync } from "node:sqlite";
import type { Agent } from "../../src/agents/agent.ts";
import { claudeCode } from "../../src/agents/claude-code.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { openStore } from "../../src/stores/open.ts";
import { SyncEngine } from "../../src/sync/engine.ts";
import type { Transcript } from "../../src/sync/files.ts";
import type { Archive } from "../../src/watch/archive.ts";
import type { Clock } from "../../src/watch/ports.ts";
import { within } from "./program.ts";

type Row = Record<string, unknown>;

export interface SyncedOptions {
  /** @default the system's */
  clock?: Clock;
  /** @default Claude Code's */
  agent?: Agent;
}

export class SyncedArchive implements AsyncDisposable {
  readonly archive: Archive;
  engine: SyncEngine;
  readonly path: string;
  readonly #root: string;
  readonly #agent: Agent;
  readonly #clock: Clock;

  /** @param claude a Claude Code configuration folder. */
  constructor(path: string, claude: string, options: SyncedOptions = {}) {
    this.path = path;
    this.#root = `${claude}/projects`;
    this.#agent = options.agent ?? claudeCode;
    this.#clock = options.clock ?? systemClock;
    const { archive } = openStore(undefined, { defaultPath: path });
    if (archive === undefined) throw new Error("our own archive can be written");
    this.archive = archive;
    this.engine = this.#newEngine();
  }

  /** What a restart of the program leaves: the archive, and an engine that knows nothing. */
  restart(): this {
    this.engine = this.#newEngine();
    return this;
  }

  transcript(path: string): Transcript {
    const transcript = this.engine.transcriptAt(path);
    if (transcript === null) throw new Error(`no transcript: ${path}`);
    return transcript;
  }

  /** @returns whether the archive has changed. */
  sync(path: string): Promise<boolean> {
    return this.engine.syncTranscript(this.transcript(path));
  }

  /** Seen by a connection of its own, as another process would. */
  query(sql: string, ...values: string[]): Row[] {
    using db = new Connection(this.path, { readOnly: true });
    return db.all(sql, values);
  }

  /** What a person does to the archive by other means. */
  change(sql: string): void {
    using db = new Connection(this.path, { readOnly: false });
    db.all(sql, []);
  }

  /** Everything that the archive holds, the bookkeeping included. */
  contents(): Record<string, Row[]> {
    return {
      sessions: this.query("SELECT * FROM sessions ORDER BY id"),
      messages: this.query("SELECT * FROM messages ORDER BY session_id, ordinal"),
      calls: this.query("SELECT * FROM tool_calls ORDER BY session_id, id"),
      bookkeeping: this.query("SELECT * FROM sync_state ORDER BY session_id"),
    };
  }

  /** The texts of all messages, in their order. */
  texts(id: string): unknown[] {
    return this.query("SELECT content FROM messages WHERE session_id = ? ORDER BY ordinal", id).map(
      ({ content }) => content,
    );
  }

  /** Resolves when the archive has been synced to hold a message with this text. */
  reached(id: string, text: string): Promise<void> {
    const reached = new Promise<void>((resolve) => {
      this.engine.onSynced((synced) => {
        if (synced === id && this.texts(id).includes(text)) resolve();
      });
    });
    return within(reached, () => `${JSON.stringify(text)} in ${id}: ${JSON.stringify(this.texts(id))}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.archive.close();
  }

  #newEngine(): SyncEngine {
    return new SyncEngine(this.archive, [{ agent: this.#agent, path: this.#root }], this.#clock);
  }
}

/** Claude Code, telling of every line that is parsed; `meanwhile` runs after each piece. */
export function listening(
  meanwhile: (lines: readonly string[], id: string) => void = () => undefined,
): Agent & { parsed: string[] } {
  const parsed: string[] = [];
  return {
    ...claudeCode,
    parsed,
    parse(lines, state, place) {
      const result = claudeCode.parse(lines, state, place);
      parsed.push(...lines);
      if (lines.length > 0) meanwhile(lines, place.id);
      return result;
    },
  };
}

/** A clock on which all waiting is over at once, for tests in which time plays no part. */
export const hurriedClock: Clock = {
  now: () => Date.now(),
  after(_ms, run) {
    const immediate = setImmediate(run);
    return () => clearImmediate(immediate);
  },
};

class Connection implements Disposable {
  readonly #db: DatabaseSync;

  constructor(path: string, options: { readOnly: boolean }) {
    this.#db = new DatabaseSync(path, options);
  }

  all(sql: string, values: string[]): Row[] {
    const statement = this.#db.prepare(sql);
    // An mtime in nanoseconds does not fit into a number.
    statement.setReadBigInts(true);
    return statement.all(...values);
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}
