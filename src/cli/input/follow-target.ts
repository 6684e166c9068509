/** What the arguments ask to follow: one session, or all that match. */

import { WatchError } from "../../errors.ts";
import type { Filter } from "../../session/filter.ts";
import type { FollowTarget } from "../../session/follow-target.ts";

/** The flags that select among all sessions. */
export interface FilterFlags {
  project?: string;
  agent?: string;
  machine?: string;
}

export interface FollowTargetFlags extends FilterFlags {
  /** Every session, including those that start later. */
  all?: boolean;
}

const TRAITS = ["project", "agent", "machine"] as const;

/** @throws WatchError `usage` */
export function followTargetOf(id: string | undefined, flags: FollowTargetFlags): FollowTarget {
  const filter = filterOf(flags);
  const [given] = Object.keys(filter);
  if (flags.all === true) {
    if (id === undefined) return { filter };
    throw new WatchError("usage", "use either <id> or --all: --all follows every session");
  }
  if (given !== undefined) throw new WatchError("usage", `--${given} needs --all`);
  if (id !== undefined) return { id };
  throw new WatchError("usage", "missing <id>: name a session, as in `watch latest`, or see `watch --help`");
}

/** @returns the filter that the flags describe; without flags it matches every session. */
export function filterOf(flags: FilterFlags): Filter {
  const filter: Filter = {};
  for (const trait of TRAITS) {
    const wanted = flags[trait];
    if (wanted !== undefined) filter[trait] = wanted;
  }
  return filter;
}
