/** Keeps sessions of one database in sync: looks when its files change, and at every poll. */

import { basename, dirname } from "node:path";
import type { Clock } from "../../async/clock.ts";
import { Coalescer } from "../../async/coalesce.ts";
import { Echo } from "../../async/echo.ts";
import type { SessionId } from "../../session/session.ts";
import type { DatabasePlace, DatabaseSource } from "../sources/database-source.ts";
import type { SyncTask } from "../sources/source.ts";
import type { Attempts } from "./attempts.ts";
import { FolderWatch } from "./folder-watch.ts";
import type { FollowTools, Follower } from "./follower.ts";

/** When (ms) to look again after a write: a commit becomes visible a moment after its log was written. */
const ECHOES_MS = [1, 4, 16, 64, 256];
/** A look that syncs is followed by the next one after this long (ms) at the earliest. */
const SPACING_MS = 20;
/** How often (ms) all sessions are compared with the archive: it may have been replaced, too. */
const FULL_LOOK_MS = 60_000;

export class DatabaseFollower implements Follower {
  readonly name: string;
  waiting = 0;
  readonly #place: DatabasePlace;
  readonly #source: DatabaseSource;
  readonly #attempts: Attempts;
  readonly #clock: Clock;
  readonly #only: SessionId | null;
  readonly #watch: FolderWatch;
  readonly #echo: Echo;
  readonly #looks: Coalescer<boolean>;
  /** The sessions as this follower found them last. */
  #seen: DatabasePlace["sessions"] | null = null;
  #nextFullLookMs = 0;

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
    this.#clock = clock;
    this.#only = only;
    this.#looks = new Coalescer(clock, SPACING_MS, (hasSynced) => hasSynced);
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

  /** One look at a time; notifications that come meanwhile share the next one. */
  async #lookNow(): Promise<void> {
    await this.#looks.run("", () => this.#syncChanged());
  }

  /** @returns whether anything had to be synced. */
  async #syncChanged(): Promise<boolean> {
    const tasks = (await this.#changed()).filter(({ id }) => this.#only === null || id === this.#only);
    this.waiting = tasks.length;
    for (const task of tasks) {
      this.waiting -= 1;
      if (this.#attempts.isDue(task.id ?? task.path)) await this.#attempts.sync(task);
    }
    return tasks.length > 0;
  }

  /** What moved since this follower looked last, and what has failed: others may have listed the sessions meanwhile. */
  async #changed(): Promise<SyncTask[]> {
    const seen = this.#seen;
    const sessions = await this.#source.sessionsIn(this.#place);
    const nowMs = this.#clock.now();
    if (seen === null || nowMs >= this.#nextFullLookMs) {
      const behind = await this.#source.behindIn(this.#place, sessions, this.#only);
      this.#nextFullLookMs = nowMs + FULL_LOOK_MS;
      this.#seen = sessions;
      return behind;
    }
    this.#seen = sessions;
    return [...sessions].flatMap(([id, { token }]) =>
      seen.get(id)?.token === token && !this.#attempts.isFailing(id)
        ? []
        : [this.#source.taskOf(id, this.#place)],
    );
  }
}
