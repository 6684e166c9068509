/** What is to be followed: one session, or all that match. */

import { WatchError } from "../errors.ts";
import type { Filter } from "../watch/selection.ts";

/** The flags that say so. */
export interface TargetFlags {
  /** Every session, also those that start later. */
  all?: boolean;
  project?: string;
  agent?: string;
  machine?: string;
}

/** `id` as a person wrote it. */
export type Target = { id: string } | { filter: Filter };

const TRAITS = ["project", "agent", "machine"] as const;

/** @throws WatchError `usage` */
export function targetOf(id: string | undefined, flags: TargetFlags): Target {
  const filter: Filter = {};
  for (const trait of TRAITS) {
    const wanted = flags[trait];
    if (wanted !== undefined) filter[trait] = wanted;
  }
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
