/** Keeps a part of what there is in sync: everything under a root, or one session. */

import type { Clock } from "../../async/clock.ts";
import type { Attempts } from "./attempts.ts";
import type { Watch } from "./folder-watch.ts";

export interface FollowerOptions {
  /** Null disables notifications: some file systems lose them. */
  watch: Watch | null;
  /** This folder, or a part of it, cannot be watched; it is polled instead. */
  onUncovered: (folder: string, error: unknown) => void;
}

/** Keeps a part of what there is in sync. */
export interface Follower {
  /** The key of its own failures. Failures of one session have its id. */
  readonly name: string;
  /** How many transcripts are known to be behind and not yet being synced. */
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
