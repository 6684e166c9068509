/** Keeps a part of what there is in sync: everything under a root, or one session. */

import type { Clock } from "../../async/clock.ts";
import type { Attempts } from "./attempts.ts";
import type { Watch } from "./folder-watch.ts";

export interface FollowerOptions {
  /** Null to watch nothing and poll everything: for file systems that tell of changes only sometimes. */
  watch: Watch | null;
  /** Notifications cannot be had for this folder, or for a part of it: polling takes their place. */
  onUncovered: (folder: string, error: unknown) => void;
}

/** Keeps a part of what there is in sync. */
export interface Follower {
  /** What its failures as a whole are known by, where those of one transcript have its session's id. */
  readonly name: string;
  /** How many transcripts it has found to be behind, and not begun to sync. */
  readonly waiting: number;
  /** Looks at everything that is due. @throws when that fails as a whole. */
  look(): Promise<void>;
  close(): void;
}

/** What followers work with. */
export interface FollowTools {
  attempts: Attempts;
  clock: Clock;
  options: FollowerOptions;
}
