/** Watches a set of folders that changes. */

import { join } from "node:path";
import type { Clock } from "../../async/clock.ts";
import { FolderWatch } from "./folder-watch.ts";
import type { FollowerOptions } from "./follower.ts";

export interface FolderWatchesOptions extends FollowerOptions {
  /** @returns a token of the folder that is there now; null if there is none. */
  token: (folder: string) => Promise<string | null>;
  /** A file in one of the folders changed, appeared or went away. */
  onHint: (path: string) => void;
}

export class FolderWatches {
  readonly #clock: Clock;
  readonly #options: FolderWatchesOptions;
  readonly #watches = new Map<string, FolderWatch>();
  #isClosed = false;

  constructor(clock: Clock, options: FolderWatchesOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  /** Watches these folders and no others. */
  async watch(folders: ReadonlySet<string>): Promise<void> {
    for (const [folder, watch] of this.#watches) {
      if (folders.has(folder)) continue;
      watch.close();
      this.#watches.delete(folder);
    }
    for (const folder of folders) {
      // It may have been closed while the caller or an earlier folder waited for the disk.
      if (this.#isClosed) return;
      const watch = this.#watches.get(folder) ?? this.#watchOf(folder);
      this.#watches.set(folder, watch);
      await watch.arm();
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const watch of this.#watches.values()) watch.close();
  }

  #watchOf(folder: string): FolderWatch {
    const { watch, token, onHint, onUncovered } = this.#options;
    return new FolderWatch(folder, this.#clock, {
      recursive: false,
      watch,
      token: () => token(folder),
      onHint: (name) => onHint(join(folder, name)),
      onUncovered: (error) => onUncovered(folder, error),
    });
  }
}
