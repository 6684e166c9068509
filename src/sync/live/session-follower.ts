/** Keeps one session in sync: its folders are watched, nothing else is read. */

import { dirname, join } from "node:path";
import type { Clock } from "../../async/clock.ts";
import type { SessionId } from "../../session/session.ts";
import type { Attempts } from "./attempts.ts";
import type { LinesSource } from "../sources/lines-source.ts";
import { FolderWatch } from "./folder-watch.ts";
import type { FollowTools, Follower, FollowerOptions } from "./follower.ts";
import type { TranscriptFile } from "../reading/transcript.ts";

/** How often (ms) to search other folders for files that continue the session. */
const SEARCH_MS = 60_000;

export class SessionFollower implements Follower {
  readonly name: string;
  readonly waiting = 0;
  readonly #id: SessionId;
  readonly #source: LinesSource;
  readonly #attempts: Attempts;
  readonly #clock: Clock;
  readonly #options: FollowerOptions;
  readonly #watches = new Map<string, FolderWatch>();
  #hasLooked = false;
  #nextSearchMs = 0;

  constructor(id: SessionId, source: LinesSource, { attempts, clock, options }: FollowTools) {
    this.name = `session ${id}`;
    this.#id = id;
    this.#source = source;
    this.#attempts = attempts;
    this.#clock = clock;
    this.#options = options;
  }

  async look(): Promise<void> {
    // Not at the first look: the session is sent as soon as its known files are synced.
    if (this.#hasLooked) await this.#searchParts();
    this.#hasLooked = true;
    await this.#lookAtKnown();
    if (this.#known.length > 0) return;
    // Its place was never known, or it is gone.
    await this.#source.find(this.#id);
    await this.#lookAtKnown();
  }

  close(): void {
    for (const watch of this.#watches.values()) watch.close();
  }

  get #known(): readonly TranscriptFile[] {
    return this.#source.index.known(this.#id);
  }

  async #lookAtKnown(): Promise<void> {
    const [first] = this.#known;
    if (first === undefined) return;
    await this.#watch(new Set(this.#known.map(({ path }) => dirname(path))));
    if (this.#attempts.isDue(this.#id)) await this.#attempts.sync(this.#source.taskOf(first));
  }

  /** Finds files that continue the session in folders that are not watched; in watched folders, notifications do. */
  async #searchParts(): Promise<void> {
    const agent = this.#known[0]?.root.agent;
    if (agent === undefined || this.#clock.now() < this.#nextSearchMs) return;
    this.#nextSearchMs = this.#clock.now() + SEARCH_MS;
    await this.#source.index.searchParts(this.#id, agent);
  }

  async #watch(folders: ReadonlySet<string>): Promise<void> {
    for (const [folder, watch] of this.#watches) {
      if (folders.has(folder)) continue;
      watch.close();
      this.#watches.delete(folder);
    }
    for (const folder of folders) {
      const watch = this.#watches.get(folder) ?? this.#watchOf(folder);
      this.#watches.set(folder, watch);
      await watch.arm();
    }
  }

  #watchOf(folder: string): FolderWatch {
    return new FolderWatch(folder, this.#clock, {
      recursive: false,
      watch: this.#options.watch,
      token: () => this.#source.index.folderToken(folder),
      onHint: (name) => this.#hint(join(folder, name)),
      onUncovered: (error) => this.#options.onUncovered(folder, error),
    });
  }

  #hint(path: string): void {
    const file = this.#source.index.at(path);
    if (file?.place.id === this.#id) void this.#attempts.hinted(this.#source.taskOf(file));
  }
}
