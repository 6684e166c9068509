/** A real archive with an engine that syncs an agent's folders into it, and all that is in it. */

import { DatabaseSync } from "node:sqlite";
import type { Agent } from "../../src/agents/agent.ts";
import { claudeCode } from "../../src/agents/claude-code.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { openStore } from "../../src/stores/open.ts";
import { SyncEngine } from "../../src/sync/engine.ts";
import type { EngineOptions } from "../../src/sync/engine.ts";
import type { RootFolder, TranscriptFile } from "../../src/sync/catalog.ts";
import type { Files } from "../../src/sync/files.ts";
import { PATIENCE_MS } from "../../src/sync/patience.ts";
import type { Archive } from "../../src/watch/archive.ts";
import type { Clock } from "../../src/watch/ports.ts";
import { within } from "./program.ts";

type Row = Record<string, unknown>;

export interface SyncedOptions {
  /** @default the system's */
  clock?: Clock;
  /** @default Claude Code's */
  agent?: Agent;
  /** @default the disk */
  files?: Files;
  /** @default "root" */
  folder?: "home" | "root";
}

export class SyncedArchive implements AsyncDisposable {
  readonly archive: Archive;
  engine: SyncEngine;
  readonly path: string;
  readonly #roots: RootFolder[];
  readonly #options: EngineOptions;

  /** @param folder a home that holds the agent's folders, or the folder that its environment variable names. */
  constructor(path: string, folder: string, options: SyncedOptions = {}) {
    const { agent = claudeCode, clock = systemClock, files, folder: kind = "root" } = options;
    this.path = path;
    const env = kind === "home" ? {} : { CLAUDE_CONFIG_DIR: folder, CODEX_HOME: folder };
    this.#roots = agent.roots({ env, home: folder }).map((path) => ({ agent, path }));
    this.#options = { clock, ...(files === undefined ? {} : { files }) };
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

  file(path: string): TranscriptFile {
    const file = this.engine.catalog.at(path);
    if (file === null) throw new Error(`no transcript: ${path}`);
    return file;
  }

  /** @returns whether the archive has changed. */
  sync(path: string): Promise<boolean> {
    return this.engine.syncFile(this.file(path));
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
      states: this.query("SELECT * FROM sync_state ORDER BY session_id"),
      files: this.query("SELECT * FROM sync_files ORDER BY session_id, position"),
    };
  }

  /**
   * The same, whatever else was synced before and in what pieces: messages are known by their session and their place
   * in it, calls by their place in a message. A session without any time has none at which it was created either.
   */
  image(): Record<string, Row[]> {
    const { sessions = [], messages = [], ...rest } = this.contents();
    const calls = this.query(`SELECT call.*, ordinal AS message_ordinal
      FROM tool_calls AS call JOIN messages ON messages.id = message_id ORDER BY call.session_id, ordinal, call.id`);
    return {
      ...rest,
      sessions: sessions.map((row) => (row["started_at"] === null ? { ...row, created_at: "" } : row)),
      messages: messages.map((row) => ({ ...row, id: null })),
      calls: calls.map((row) => ({ ...row, id: null, message_id: null })),
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
        if (synced.id === id && this.texts(id).includes(text)) resolve();
      });
    });
    return within(reached, () => `${JSON.stringify(text)} in ${id}: ${JSON.stringify(this.texts(id))}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.archive.close();
  }

  #newEngine(): SyncEngine {
    return new SyncEngine(this.archive, this.#roots, this.#options);
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

/** A clock on which short waiting is over at once, for tests in which time plays no part; deadlines are none. */
export const hurriedClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    if (ms >= PATIENCE_MS) return systemClock.after(ms, run);
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
