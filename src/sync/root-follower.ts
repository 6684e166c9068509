/** Keeps everything under one root in sync. */

import { join } from "node:path";
import type { Clock } from "../watch/ports.ts";
import type { SessionId } from "../watch/session.ts";
import type { Attempts } from "./attempts.ts";
import type { Root, TranscriptFile } from "./catalog.ts";
import type { SyncEngine } from "./engine.ts";
import { FolderWatch } from "./folder-watch.ts";
import type { Follower, FollowerOptions } from "./live.ts";

/** For so long (ms) after its last change a transcript is looked at on every poll. */
const RECENT_MS = 10 * 60_000;
/** How often (ms) every transcript is looked at, whatever notifications said: what they lose is found then. */
const FULL_LOOK_MS = 60_000;
/** Without notifications every poll looks at every transcript, as long as that takes no more than this part of the time. */
const FULL_LOOK_SHARE = 1 / 50;

export class RootFollower implements Follower {
  readonly name: string;
  readonly #engine: SyncEngine;
  readonly #attempts: Attempts;
  readonly #clock: Clock;
  readonly #watch: FolderWatch | null;
  readonly #recent = new Map<SessionId, { file: TranscriptFile; changedMs: number }>();
  /** New folders: what was written before notifications of them were on is seen by the next look. */
  readonly #newFolders = new Set<string>();
  #nextFullLookMs = 0;

  constructor(root: Root, engine: SyncEngine, attempts: Attempts, clock: Clock, options: FollowerOptions) {
    this.name = root.path;
    this.#engine = engine;
    this.#attempts = attempts;
    this.#clock = clock;
    this.#watch = options.pollOnly
      ? null
      : new FolderWatch(root.path, {
          recursive: true,
          token: () => engine.catalog.folderToken(root.path),
          onHint: (name) => this.#hint(join(root.path, name)),
          onUncovered: (error) => options.onUncovered(root.path, error),
        });
  }

  async look(): Promise<void> {
    // A root that has appeared holds transcripts that nobody announced.
    const isNew = (await this.#watch?.arm()) === true;
    if (isNew || this.#clock.now() >= this.#nextFullLookMs) return await this.#lookAtAll();
    const newFolders = [...this.#newFolders];
    this.#newFolders.clear();
    for (const folder of newFolders) await this.#syncFolder(folder);
    for (const [id, { file, changedMs }] of this.#recent) {
      if (this.#clock.now() - changedMs > RECENT_MS) this.#recent.delete(id);
      else if (this.#attempts.isDue(id)) await this.#sync(file);
    }
  }

  close(): void {
    this.#watch?.close();
  }

  async #lookAtAll(): Promise<void> {
    const startedMs = this.#clock.now();
    await this.#syncFolder(this.name);
    // Another try to watch what could not be watched: limits are raised, and others let go of theirs.
    await this.#watch?.rearm();
    const endedMs = this.#clock.now();
    const pauseMs = this.#watch?.isCovered === true ? FULL_LOOK_MS : (endedMs - startedMs) / FULL_LOOK_SHARE;
    this.#nextFullLookMs = endedMs + Math.min(pauseMs, FULL_LOOK_MS);
  }

  #hint(path: string): void {
    const file = this.#engine.catalog.at(path);
    if (file !== null) void this.#sync(file);
    else void this.#lookAtFolder(path);
  }

  async #lookAtFolder(path: string): Promise<void> {
    try {
      if ((await this.#engine.catalog.folderToken(path)) === null) return;
      this.#newFolders.add(path);
      await this.#syncFolder(path);
    } catch (error) {
      this.#attempts.failed({ id: null, path: this.name, error });
    }
  }

  async #syncFolder(folder: string): Promise<void> {
    for (const { transcript } of await this.#engine.behind(folder))
      if (this.#attempts.isDue(transcript.id)) await this.#sync(transcript.files[0]);
  }

  async #sync(file: TranscriptFile): Promise<void> {
    if (await this.#attempts.sync(file))
      this.#recent.set(file.place.id, { file, changedMs: this.#clock.now() });
  }
}
