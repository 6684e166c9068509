/** What a session is called, whose it is, and when it was last active: as `src/session/session.ts` decides it. */

/** @import { Session } from "../../session/session.ts" */

const MAX_TITLE = 300;

/** @param {Session} session */
export function titleOf({ id, display_name: name, title, first_message: prompt }) {
  return String(name || title || prompt || id).slice(0, MAX_TITLE);
}

/**
 * @param {Session} session
 * @returns {string | null} RFC 3339 UTC; null if it is not known.
 */
export function activityOf({ ended_at: ended, started_at: started, created_at: created }) {
  return ended || started || created || null;
}

/**
 * @param {string | null | undefined} machine
 * @returns {string | null} null if it is this machine, or not known.
 */
export function otherMachine(machine) {
  return !machine || machine === "local" ? null : machine;
}

/** @param {Session} session */
export function aboutOf({ project, machine, agent, message_count: count }) {
  return [project, otherMachine(machine), agent, `${count} ${count === 1 ? "message" : "messages"}`]
    .filter(Boolean)
    .join(" · ");
}
