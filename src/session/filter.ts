/** Which sessions a subscriber follows. */

import type { SessionId, Traits } from "./session.ts";

/** Sessions that have these traits; those left out do not matter. */
export type Filter = Partial<Record<keyof Traits, string>>;

/** `all` includes sessions that start later. */
export interface Selection {
  sessions: readonly SessionId[] | "all";
  filter: Filter;
}

/** @returns whether a session with these traits is meant. */
export function matches({ project, agent, machine }: Filter, traits: Traits): boolean {
  return (
    (project === undefined || project === traits.project) &&
    (agent === undefined || agent === traits.agent) &&
    (machine === undefined || machine === traits.machine)
  );
}
