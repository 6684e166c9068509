/** Syncs transcripts as they are written: notifications first, a poll for what they miss. */

import { watch } from "node:fs";
import type { FSWatcher } from "node:fs";
import { dirname, join } from "node:path";
import { messageOf } from "../errors.ts";
import type { Clock } from "../watch/ports.ts";
import type { SessionId } from "../watch/session.ts";
import type { SyncEngine } from "./engine.ts";
import { folderIdentity } from "./files.ts";
import type { Transcript } from "./files.ts";

/** For so long (ms) after its last change a transcript is looked at on every poll. */
const RECENT_MS = 10 * 60_000;
/** How often (ms) every transcript is looked at, whatever notifications said: what they lose is found then. */
const FULL_LOOK_MS = 60_000;

export interface LiveOptions {
  pollIntervalMs: number;
  /**
   * A transcript could not be synced, or (null) the archive not be asked; tried again on every poll. The same
   * failure is told once.
   */
  onError: (transcript: Transcript | null, error: unknown) => void;
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
  /** New folders: what was written before notifications of them were on is seen by the next poll. */
  readonly #newFolders = new Set<string>();
  /** What went wrong last, per path; null is everything that concerns no single transcript. */
  readonly #failing = new Map<string | null, string>();
  #cancelPoll: (() => void) | null = null;
  #nextFullLookMs: number;
  #stopped = false;

  constructor(engine: SyncEngine, clock: Clock, options: LiveOptions) {
    this.#engine = engine;
    this.#clock = clock;
    this.#options = options;
    this.#nextFullLookMs = clock.now() + FULL_LOOK_MS;
  }

  /** Resolves once notifications are on; what changed before must be synced by the caller. */
  async start(): Promise<void> {
    await this.#arm();
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelPoll?.();
    for (const folder of this.#watchers.keys()) this.#unwatch(folder);
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#cancelPoll = this.#clock.after(this.#options.pollIntervalMs, () => {
      void this.#poll().then(() => this.#schedule());
    });
  }

  async #poll(): Promise<void> {
    try {
      // A root that has appeared holds transcripts that nobody announced.
      if ((await this.#arm()) || this.#isFullLookDue()) await this.#syncAll();
      this.#failing.delete(null);
    } catch (error) {
      this.#fail(null, error);
    }
    const newFolders = [...this.#newFolders];
    this.#newFolders.clear();
    for (const folder of newFolders) await this.#syncFolder(folder);
    for (const [path, { transcript, changedMs }] of this.#recent) {
      if (this.#clock.now() - changedMs > RECENT_MS && this.#options.only === undefined)
        this.#recent.delete(path);
      else await this.#sync(transcript);
    }
  }

  #isFullLookDue(): boolean {
    if (this.#options.only !== undefined || this.#clock.now() < this.#nextFullLookMs) return false;
    this.#nextFullLookMs = this.#clock.now() + FULL_LOOK_MS;
    return true;
  }

  /** @returns true if a root is watched that was not watched before. */
  async #arm(): Promise<boolean> {
    const { only } = this.#options;
    if (only === undefined) {
      return this.#engine.roots.map(({ path }) => this.#watch(path, true)).some(Boolean);
    }
    const transcript = await this.#engine.find(only);
    if (transcript === null) return false;
    this.#recent.clear();
    this.#recent.set(transcript.path, { transcript, changedMs: this.#clock.now() });
    const folder = dirname(transcript.path);
    for (const other of this.#watchers.keys()) if (other !== folder) this.#unwatch(other);
    this.#watch(folder, false);
    return false;
  }

  #watch(folder: string, recursive: boolean): boolean {
    const identity = folderIdentity(folder);
    if (identity !== null && this.#watchers.get(folder)?.identity === identity) return false;
    this.#unwatch(folder);
    if (identity === null || this.#stopped) return false;
    try {
      const watcher = watch(folder, { recursive }, (_event, name) => this.#hint(folder, name));
      this.#watchers.set(folder, { watcher, identity });
      watcher.on("error", () => {
        if (this.#watchers.get(folder)?.watcher === watcher) this.#unwatch(folder);
      });
      return true;
    } catch {
      // No notifications to be had here: the polls and the full looks see everything, later.
      return false;
    }
  }

  /** The next poll watches it anew, if it is there. */
  #unwatch(folder: string): void {
    this.#watchers.get(folder)?.watcher.close();
    this.#watchers.delete(folder);
  }

  /** @param name what has changed in `folder`; none (null, undefined or "", by runtime) is the folder itself. */
  #hint(folder: string, name: string | null | undefined): void {
    if (!name) {
      this.#unwatch(folder);
      return;
    }
    const { only } = this.#options;
    const path = join(folder, name);
    const transcript = this.#engine.transcriptAt(path);
    if (transcript !== null) {
      if (only === undefined || transcript.place.id === only) void this.#sync(transcript);
    } else if (only === undefined && folderIdentity(path) !== null) {
      this.#newFolders.add(path);
      void this.#syncFolder(path);
    }
  }

  async #syncAll(): Promise<void> {
    const { failures } = await this.#engine.syncAll();
    for (const { path, error } of failures) {
      const transcript = this.#engine.transcriptAt(path);
      if (transcript !== null) this.#fail(transcript, error);
    }
  }

  async #syncFolder(folder: string): Promise<void> {
    for await (const transcript of this.#engine.transcriptsIn(folder)) await this.#sync(transcript);
  }

  async #sync(transcript: Transcript): Promise<void> {
    if (this.#stopped) return;
    try {
      const changed = await this.#engine.syncTranscript(transcript);
      this.#failing.delete(transcript.path);
      if (!changed) return;
      this.#recent.set(transcript.path, { transcript, changedMs: this.#clock.now() });
      // Bun drops a notification that follows another of the same file within 2 ms: look once more when it is quiet.
      void this.#sync(transcript);
    } catch (error) {
      this.#fail(transcript, error);
    }
  }

  #fail(transcript: Transcript | null, error: unknown): void {
    if (this.#stopped) return;
    const path = transcript?.path ?? null;
    // Among the recent ones the next poll tries it again.
    if (transcript !== null) this.#recent.set(transcript.path, { transcript, changedMs: this.#clock.now() });
    if (this.#failing.get(path) === messageOf(error)) return;
    this.#failing.set(path, messageOf(error));
    this.#options.onError(transcript, error);
  }
}
