/** The list of sessions, and how a session is called. */

import { byId, childrenOf, flash, part, reconcile, setText, setTime, show } from "./dom.js";
import { ago } from "./times.js";

/** @import { Session } from "../../session/session.ts" */

const MAX_TITLE = 300;

const list = byId("sessions");

/**
 * @param {readonly Session[]} sessions
 * @param {string | null} selectedId
 * @param {ReadonlySet<string>} unread
 */
export function renderSessions(sessions, selectedId, unread) {
  reconcile(list, sessions, {
    template: "session-row",
    keyOf: ({ id }) => id,
    fill: (row, session) => fill(row, session, session.id === selectedId, unread.has(session.id)),
  });
}

/**
 * Tells of sessions that have changed, to eyes and to ears.
 *
 * @param {readonly Session[]} changed
 */
export function announce(changed) {
  const [first, ...others] = changed;
  if (first === undefined) return;
  for (const { id } of changed) flash(linkTo(id));
  const text =
    others.length === 0
      ? `New in ${titleOf(first)}: ${aboutOf(first)}`
      : `${changed.length} sessions have news`;
  setText(byId("news"), text);
}

/** @param {string | null} id null and unknown ones have no link. */
export function linkTo(id) {
  const row = childrenOf(list).find((row) => row.dataset["key"] === id);
  return row && part(row, "a");
}

/** @param {Session} session */
export function titleOf({ id, display_name: name, title, first_message: prompt }) {
  return String(name || title || prompt || id).slice(0, MAX_TITLE);
}

/** @param {Session} session */
export function aboutOf({ project, machine, agent, message_count: count }) {
  const owner = machine === "local" ? "" : machine;
  return [project, owner, agent, `${count} ${count === 1 ? "message" : "messages"}`]
    .filter(Boolean)
    .join(" · ");
}

/**
 * @param {HTMLElement} row
 * @param {Session} session
 * @param {boolean} isSelected
 * @param {boolean} isUnread
 */
function fill(row, session, isSelected, isUnread) {
  const link = part(row, "a");
  link.setAttribute("href", `#${encodeURIComponent(session.id)}`);
  if (isSelected) link.setAttribute("aria-current", "true");
  else link.removeAttribute("aria-current");
  link.classList.toggle("changed", isUnread);
  show(part(row, ".mark"), isUnread);
  setText(part(row, ".title"), titleOf(session));
  setText(part(row, ".about"), aboutOf(session));
  const { ended_at: ended, started_at: started, created_at: created } = session;
  setTime(part(row, "time"), ended ?? started ?? created, ago);
}
