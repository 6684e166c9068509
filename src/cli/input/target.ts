/** What is to be followed: one session, or all that match. */

import { WatchError } from "../../errors.ts";
import type { Filter } from "../../session/filter.ts";

/** The flags that choose among all sessions. */
export interface FilterFlags {
  project?: string;
  agent?: string;
  machine?: string;
}

/** The flags that say so. */
export interface TargetFlags extends FilterFlags {
  /** Every session, also those that start later. */
  all?: boolean;
}

/** `id` as a person wrote it. */
export type Target = { id: string } | { filter: Filter };

const TRAITS = ["project", "agent", "machine"] as const;

/** @throws WatchError `usage` */
export function targetOf(id: string | undefined, flags: TargetFlags): Target {
  const filter = filterOf(flags);
  const [given] = Object.keys(filter);
  if (flags.all === true) {
    if (id === undefined) return { filter };
    throw new WatchError("usage", "use either <id> or --all: --all follows every session");
  }
  if (given !== undefined)
    throw new WatchError("usage", `--${given} chooses among all sessions: use it with --all`);
  if (id !== undefined) return { id };
  throw new WatchError("usage", "missing <id>: name a session, as in `watch latest`, or see `watch --help`");
}

export function filterOf(flags: FilterFlags): Filter {
  const filter: Filter = {};
  for (const trait of TRAITS) {
    const wanted = flags[trait];
    if (wanted !== undefined) filter[trait] = wanted;
  }
  return filter;
}
