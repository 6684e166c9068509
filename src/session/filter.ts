/** Which sessions a subscriber follows. */

import type { SessionId, Traits } from "./session.ts";

/** A session matches if it has all of these traits. */
export type Filter = Partial<Record<keyof Traits, string>>;

/** `all` includes sessions that start later. */
export interface Selection {
  sessions: readonly SessionId[] | "all";
  filter: Filter;
}

/** @returns whether a session with these traits matches. */
export function matches({ project, agent, machine }: Filter, traits: Traits): boolean {
  return (
    (project === undefined || project === traits.project) &&
    (agent === undefined || agent === traits.agent) &&
    (machine === undefined || machine === traits.machine)
  );
}
