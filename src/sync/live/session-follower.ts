/** Keeps one session in sync: its folders are watched, nothing else is read. */

import { dirname } from "node:path";
import type { Clock } from "../../async/clock.ts";
import type { SessionId } from "../../session/session.ts";
import type { Attempts } from "./attempts.ts";
import type { LinesSource } from "../sources/lines-source.ts";
import { FolderWatches } from "./folder-watches.ts";
import type { FollowTools, Follower } from "./follower.ts";
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
  readonly #watches: FolderWatches;
  #hasLooked = false;
  #nextSearchMs = 0;

  constructor(id: SessionId, source: LinesSource, { attempts, clock, options }: FollowTools) {
    this.name = `session ${id}`;
    this.#id = id;
    this.#source = source;
    this.#attempts = attempts;
    this.#clock = clock;
    this.#watches = new FolderWatches(clock, {
      ...options,
      token: (folder) => source.index.folderToken(folder),
      onHint: (path) => this.#hint(path),
    });
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
    this.#watches.close();
  }

  get #known(): readonly TranscriptFile[] {
    return this.#source.index.known(this.#id);
  }

  async #lookAtKnown(): Promise<void> {
    const [first] = this.#known;
    if (first === undefined) return;
    await this.#watches.watch(new Set(this.#known.map(({ path }) => dirname(path))));
    if (this.#attempts.isDue(this.#id)) await this.#attempts.sync(this.#source.taskOf(first));
  }

  /** Finds files that continue the session in folders that are not watched; in watched folders, notifications do. */
  async #searchParts(): Promise<void> {
    const agent = this.#known[0]?.root.agent;
    if (agent === undefined || this.#clock.now() < this.#nextSearchMs) return;
    this.#nextSearchMs = this.#clock.now() + SEARCH_MS;
    await this.#source.index.searchParts(this.#id, agent);
  }

  #hint(path: string): void {
    const file = this.#source.index.at(path);
    if (file?.place.id === this.#id) void this.#attempts.hinted(this.#source.taskOf(file));
  }
}
