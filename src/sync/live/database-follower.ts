/** Keeps sessions of one database in sync: looks when its files change, and at every poll. */

import { basename, dirname } from "node:path";
import { Echo } from "../../async/echo.ts";
import type { SessionId } from "../../session/session.ts";
import type { DatabasePlace, DatabaseSource } from "../sources/database-source.ts";
import type { FollowTools } from "../sources/source.ts";
import type { Attempts } from "./attempts.ts";
import { FolderWatch } from "./folder-watch.ts";
import type { Follower } from "./follower.ts";

/** When (ms) to look again after a write: a commit becomes visible a moment after its log was written. */
const ECHOES_MS = [1, 4, 16, 64, 256];

export class DatabaseFollower implements Follower {
  readonly name: string;
  waiting = 0;
  readonly #place: DatabasePlace;
  readonly #source: DatabaseSource;
  readonly #attempts: Attempts;
  readonly #only: SessionId | null;
  readonly #watch: FolderWatch;
  readonly #echo: Echo;
  #looking: Promise<void> | null = null;
  #isWanted = false;
  #hasLooked = false;

  /** @param only the session to keep in sync; null for all of them. */
  constructor(
    place: DatabasePlace,
    source: DatabaseSource,
    { attempts, clock, options }: FollowTools,
    only: SessionId | null,
  ) {
    this.name = place.path;
    this.#place = place;
    this.#source = source;
    this.#attempts = attempts;
    this.#only = only;
    this.#echo = new Echo(clock, ECHOES_MS, () => void this.#lookOnHint());
    const folder = dirname(place.path);
    const name = basename(place.path);
    // Not "-shm": every reader touches it.
    const names = new Set([name, `${name}-wal`, `${name}-journal`]);
    this.#watch = new FolderWatch(folder, clock, {
      recursive: false,
      watch: options.watch,
      token: async () => {
        const [stats] = await place.files.stats([folder]);
        return stats?.isDirectory() === true ? `${stats.dev}:${stats.ino}:${stats.birthtimeNs}` : null;
      },
      onHint: (changed) => names.has(changed) && this.#echo.start(),
      onUncovered: (error) => options.onUncovered(folder, error),
    });
  }

  async look(): Promise<void> {
    await this.#watch.arm();
    await this.#lookNow();
  }

  close(): void {
    this.#echo.stop();
    this.#watch.close();
  }

  async #lookOnHint(): Promise<void> {
    try {
      await this.#lookNow();
      this.#attempts.succeeded(this.name);
    } catch (error) {
      this.#attempts.failed({ id: null, path: this.name, error });
    }
  }

  /** One look at a time; who asks meanwhile shares the next one. */
  async #lookNow(): Promise<void> {
    this.#isWanted = true;
    this.#looking ??= this.#lookWhileWanted();
    await this.#looking;
  }

  async #lookWhileWanted(): Promise<void> {
    try {
      while (this.#isWanted) {
        this.#isWanted = false;
        await this.#syncChanged();
      }
    } finally {
      this.#looking = null;
    }
  }

  async #syncChanged(): Promise<void> {
    const only = this.#only;
    if (only !== null && !this.#hasLooked) {
      this.#hasLooked = true;
      // The session alone: whoever follows it does not wait for all others.
      await this.#source.token(only);
      await this.#attempts.sync({ id: only, path: this.name, run: () => this.#source.sync(only) });
      return;
    }
    const changed = await this.#source.changed(this.#place);
    const tasks = changed.filter(({ id }) => only === null || id === only);
    this.waiting = tasks.length;
    for (const task of tasks) {
      this.waiting -= 1;
      if (this.#attempts.isDue(task.id ?? task.path)) await this.#attempts.sync(task);
    }
  }
}
