/** Requests to the server. Paths are relative, so that the page works behind a path prefix. */

import { token } from "./token.js";

/** The server's stream of all sessions. */
export const STREAM_PATH = "api/v1/watch?all=true";

const REQUEST_TIMEOUT_MS = 10_000;

/** The server answered with an error. */
export class RefusedError extends Error {
  /**
   * @param {number} status
   * @param {string} reason
   */
  constructor(status, reason) {
    super(reason);
    this.status = status;
  }
}

/**
 * @param {string} path
 * @returns {Promise<unknown>}
 * @throws RefusedError, or what fetch throws when no answer comes.
 */
export async function getJson(path) {
  const sent = token();
  const response = await fetch(path, {
    headers: sent === null ? {} : { authorization: `Bearer ${sent}` },
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  });
  if (response.ok) return await response.json();
  // The person entered another token meanwhile.
  if (response.status === 401 && sent !== token()) return await getJson(path);
  throw new RefusedError(response.status, await reasonIn(response));
}

/** An EventSource cannot send headers, so its URL carries the token. */
export function streamUrl() {
  const known = token();
  return known === null ? STREAM_PATH : `${STREAM_PATH}&token=${encodeURIComponent(known)}`;
}

/** @param {string} id */
export function sessionPath(id) {
  return `api/v1/sessions/${encodeURIComponent(id)}`;
}

/** @param {Response} response */
async function reasonIn(response) {
  try {
    const { error } = /** @type {{ error: unknown }} */ (await response.json());
    return String(error);
  } catch {
    // A proxy answered in its own format.
    return `status ${response.status}`;
  }
}
