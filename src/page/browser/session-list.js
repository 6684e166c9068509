/** The list of sessions. */

import { byId, childrenOf, flash, part, reconcile, setText, setTime, show } from "./dom.js";
import { aboutOf, activityOf, titleOf } from "./session.js";
import { ago } from "./times.js";

/** @import { Session } from "../../session/session.ts" */

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
 * Announces changed sessions: flashes their rows, and tells screen readers.
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
      : `${changed.length} sessions have changed`;
  setText(byId("news"), text);
}

/** @param {string | null} id there is no link for null, or for an unknown session. */
export function linkTo(id) {
  const row = childrenOf(list).find((row) => row.dataset["key"] === id);
  return row && part(row, "a");
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
  setTime(part(row, "time"), activityOf(session), ago);
}
