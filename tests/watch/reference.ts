/**
 * A literal model of the reference: what `checkDBForChanges` of sessionwatch v0.23.5 does on one tick, with the
 * world as data. Its faults are kept; the tests list where ours differs on purpose.
 */

/** What one tick of the reference sees. Versions stand for (message_count, db version). */
export interface World {
  nowMs: number;
  /** Null when the session is not in the database. */
  version: string | null;
  /** Null when the source file is missing. */
  mtime: string | null;
  /** Runs a direct sync. @returns false if it failed. */
  sync: () => boolean;
}

export class Reference {
  #version: string | null;
  #hasSource: boolean;
  #mtime: string | null;
  #changedAtMs: number | null = null;
  readonly #delayMs: number;

  constructor(world: Pick<World, "version" | "mtime">, delayMs: number) {
    this.#version = world.version;
    this.#hasSource = world.mtime !== null;
    this.#mtime = world.mtime;
    this.#delayMs = delayMs;
  }

  /** @returns whether the reference would signal its channel. */
  tick(world: World): boolean {
    if (this.#sawNewVersion(world)) {
      this.#changedAtMs = null;
      return true;
    }
    if (!this.#hasSource) {
      if (world.mtime === null) return false;
      this.#hasSource = true;
      this.#mtime = world.mtime;
      this.#changedAtMs = world.nowMs - this.#delayMs;
    }
    if (world.mtime === null) {
      this.#hasSource = false;
      this.#mtime = null;
      this.#changedAtMs = null;
      return false;
    }
    if (world.mtime !== this.#mtime) {
      this.#mtime = world.mtime;
      this.#changedAtMs ??= world.nowMs;
    }
    if (this.#changedAtMs === null || world.nowMs - this.#changedAtMs < this.#delayMs) return false;
    this.#changedAtMs = null;
    return world.sync() && this.#sawNewVersion(world);
  }

  #sawNewVersion({ version }: World): boolean {
    // A session that cannot be read is, to the reference, one that has not changed.
    if (version === null || version === this.#version) return false;
    this.#version = version;
    return true;
  }
}
