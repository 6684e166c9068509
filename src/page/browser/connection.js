/** The state of the connection, as the corner of the page shows it. */

import { RefusedError } from "./api.js";

/** @import { Status } from "./live-stream.js" */

/**
 * @typedef {object} Connection
 * @property {"connecting" | "live" | "reconnecting" | "unreadable" | "locked"} state
 * @property {string} text
 */

/** A proxy answers with these when its server is down. */
const GATEWAY_ERRORS = new Set([502, 504]);

/**
 * @param {unknown} problem why the last request for the list failed; null if it succeeded.
 * @param {Status} stream
 * @param {{ isLoaded: boolean, isLocked: boolean }} page
 * @returns {Connection}
 */
export function connectionOf(problem, stream, { isLoaded, isLocked }) {
  if (isLocked) return { state: "locked", text: "Token needed" };
  if (problem instanceof RefusedError && !GATEWAY_ERRORS.has(problem.status)) return refusal(problem);
  if (problem !== null || stream.state === "lost") return { state: "reconnecting", text: "Reconnecting…" };
  if (stream.unreadable !== null) return cannotRead(stream.unreadable);
  if (isLoaded && stream.state === "open") return { state: "live", text: "Live" };
  return { state: "connecting", text: "Connecting…" };
}

/**
 * @param {RefusedError} error
 * @returns {Connection}
 */
function refusal({ status, message }) {
  if (status === 503) return cannotRead(message);
  return { state: "unreadable", text: `The server refuses: ${message}` };
}

/**
 * @param {string} reason
 * @returns {Connection}
 */
function cannotRead(reason) {
  // Our own reasons are whole sentences; those of a database may be as short as "database is locked".
  const isWhole = /^Cannot .* archive/.test(reason);
  return { state: "unreadable", text: isWhole ? reason : `The archive cannot be read: ${reason}` };
}
