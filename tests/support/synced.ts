/** A real archive with an engine that syncs an agent's folders into it, and all that is in it. */

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "bun:test";
import type { Agent, Surroundings } from "../../src/agents/agent.ts";
import { claudeCode } from "../../src/agents/claude-code/claude-code.ts";
import { AGENTS } from "../../src/agents/registry.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { SyncEngine } from "../../src/sync/engine.ts";
import type { EngineOptions } from "../../src/sync/engine.ts";
import type { Files } from "../../src/sync/reading/files.ts";
import type { TranscriptFile } from "../../src/sync/reading/transcript.ts";
import type { Archive, ArchiveWriting } from "../../src/watch/archive.ts";
import type { Clock } from "../../src/async/clock.ts";
import { ArchiveConnection } from "./archive-connection.ts";
import type { Row } from "./archive-connection.ts";
import { expectSameImage, imageOf } from "./archive-image.ts";
import type { Image } from "./archive-image.ts";
import { hurriedClock } from "./clock.ts";
import { within } from "./program.ts";
import { openOwn } from "./stores.ts";

export interface SyncedOptions {
  /** @default the system's */
  clock?: Clock;
  /** @default Claude Code's */
  agent?: Agent;
  /** @default the disk */
  files?: Files;
  /** @default "root" */
  folder?: "home" | "root";
  /** Where the engine writes to in place of the archive. */
  into?: ArchiveWriting;
}

export class SyncedArchive implements AsyncDisposable {
  readonly archive: Archive;
  engine: SyncEngine;
  readonly path: string;
  readonly #surroundings: Surroundings;
  readonly #options: EngineOptions;
  readonly #into: ArchiveWriting | undefined;
  readonly #home: { agent: Agent; folder: string; kind: "home" | "root" };

  /** @param folder a home that holds the agent's folders, or the folder that its environment variable names. */
  constructor(path: string, folder: string, options: SyncedOptions = {}) {
    const { agent = claudeCode, clock = systemClock, files, folder: kind = "root" } = options;
    this.path = path;
    this.#home = { agent, folder, kind };
    const env = kind === "home" ? {} : { CLAUDE_CONFIG_DIR: folder, CODEX_HOME: folder };
    this.#surroundings = {
      env,
      home: folder,
      get folders() {
        return foldersIn(folder);
      },
    };
    this.#options = { clock, ...(files === undefined ? {} : { files }) };
    this.archive = openOwn(path);
    this.#into = options.into;
    this.engine = this.#newEngine();
  }

  /** What a restart of the program leaves: the archive, and an engine that knows nothing. */
  restart(): this {
    this.engine = this.#newEngine();
    return this;
  }

  file(path: string): TranscriptFile {
    const file = this.engine.lines.index.at(path);
    if (file === null) throw new Error(`no transcript: ${path}`);
    return file;
  }

  /** @returns whether the archive has changed. */
  sync(path: string): Promise<boolean> {
    return this.engine.lines.taskOf(this.file(path)).run();
  }

  /** Seen by a connection of its own, as another process would. */
  query(sql: string, ...values: string[]): Row[] {
    using db = new ArchiveConnection(this.path);
    return db.all(sql, ...values);
  }

  /** What a person does to the archive by other means. */
  change(sql: string): void {
    using db = new ArchiveConnection(this.path, { readOnly: false });
    db.all(sql);
  }

  /** The archive must hold what `fullImport()` gives: every column of every row, offsets and parsers' states included. */
  async expectLikeFullImport(): Promise<void> {
    expectSameImage(imageOf(this.path), await this.fullImport());
  }

  /** @returns what one import of the transcripts as they are now gives, into an archive of its own. */
  async fullImport(): Promise<Image> {
    const { agent, folder, kind } = this.#home;
    // The agent of this archive may be one that listens: what it hears of is not this import.
    const own = AGENTS.find(({ name }) => name === agent.name) ?? agent;
    await using full = new SyncedArchive(`${this.path}-${crypto.randomUUID()}`, folder, {
      agent: own,
      clock: hurriedClock,
      folder: kind,
    });
    expect((await full.engine.syncAll()).failures).toEqual([]);
    return imageOf(full.path);
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
    return new SyncEngine(this.#into ?? this.archive, [this.#home.agent], this.#surroundings, this.#options);
  }
}

/** Where projects may be. */
function foldersIn(home: string): string[] {
  if (!existsSync(home)) return [];
  return readdirSync(home, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
}
