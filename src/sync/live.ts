/** Syncs transcripts as they are written: notifications first, a poll for what they miss. */

import { statSync, watch } from "node:fs";
import type { FSWatcher } from "node:fs";
import { dirname, join } from "node:path";
import { messageOf } from "../errors.ts";
import type { Clock } from "../watch/ports.ts";
import type { SessionId } from "../watch/session.ts";
import type { SyncEngine } from "./engine.ts";
import type { Transcript } from "./files.ts";

/** For so long (ms) after its last change a transcript is looked at on every poll. */
const RECENT_MS = 10 * 60_000;

export interface LiveOptions {
  pollIntervalMs: number;
  /** A transcript could not be synced; it is tried again when it changes, and by the feed while it is followed. */
  onError: (transcript: Transcript, error: unknown) => void;
  /** Follow this session alone: its folder is watched, nothing else is read. */
  only?: SessionId;
}

interface Recent {
  transcript: Transcript;
  changedMs: number;
}

export class LiveSync {
  readonly #engine: SyncEngine;
  readonly #clock: Clock;
  readonly #options: LiveOptions;
  readonly #watchers = new Map<string, { watcher: FSWatcher; identity: string }>();
  readonly #recent = new Map<string, Recent>();
  /** What went wrong last, per path: the same failure is told once. */
  readonly #failing = new Map<string, string>();
  #cancelPoll: (() => void) | null = null;
  #stopped = false;

  constructor(engine: SyncEngine, clock: Clock, options: LiveOptions) {
    this.#engine = engine;
    this.#clock = clock;
    this.#options = options;
  }

  /** Resolves once notifications are on; what changed before must be synced by the caller. */
  async start(): Promise<void> {
    await this.#arm();
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelPoll?.();
    for (const { watcher } of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#cancelPoll = this.#clock.after(this.#options.pollIntervalMs, () => {
      void this.#poll().finally(() => this.#schedule());
    });
  }

  async #poll(): Promise<void> {
    // A folder that has appeared holds transcripts that nobody announced.
    if (await this.#arm()) await this.#engine.syncAll();
    for (const [path, { transcript, changedMs }] of this.#recent) {
      if (this.#clock.now() - changedMs > RECENT_MS && this.#options.only === undefined)
        this.#recent.delete(path);
      else await this.#sync(transcript);
    }
  }

  /** @returns true if a folder is watched that was not watched before. */
  async #arm(): Promise<boolean> {
    const { only } = this.#options;
    if (only === undefined) {
      return this.#engine.roots.map(({ path }) => this.#watch(path, true)).some(Boolean);
    }
    const transcript = await this.#engine.find(only);
    if (transcript === null) return false;
    this.#recent.set(transcript.path, { transcript, changedMs: this.#clock.now() });
    this.#watch(dirname(transcript.path), false);
    return false;
  }

  #watch(folder: string, recursive: boolean): boolean {
    const identity = identityOf(folder);
    const known = this.#watchers.get(folder);
    if (known !== undefined && known.identity === identity) return false;
    known?.watcher.close();
    this.#watchers.delete(folder);
    if (identity === null || this.#stopped) return false;
    try {
      const watcher = watch(folder, { recursive }, (_event, name) => {
        if (name !== null) this.#hint(join(folder, name));
      });
      // A folder that is removed ends its watcher; the next poll looks whether it is there again.
      watcher.on("error", () => this.#watchers.delete(folder));
      this.#watchers.set(folder, { watcher, identity });
      return true;
    } catch {
      // No notifications to be had here: the poll sees what is followed, a little later.
      return false;
    }
  }

  #hint(path: string): void {
    const transcript = this.#engine.transcriptAt(path);
    if (transcript === null) return;
    const { only } = this.#options;
    if (only === undefined || transcript.place.id === only) void this.#sync(transcript);
  }

  async #sync(transcript: Transcript): Promise<void> {
    const { path } = transcript;
    try {
      const changed = await this.#engine.syncTranscript(transcript);
      if (changed) this.#recent.set(path, { transcript, changedMs: this.#clock.now() });
      this.#failing.delete(path);
    } catch (error) {
      // It stays among the recent ones, so that the next poll tries again.
      this.#recent.set(path, { transcript, changedMs: this.#clock.now() });
      if (this.#failing.get(path) !== messageOf(error)) this.#options.onError(transcript, error);
      this.#failing.set(path, messageOf(error));
    }
  }
}

function identityOf(folder: string): string | null {
  const stats = statSync(folder, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? null : `${stats.dev}:${stats.ino}`;
}
