/**
 * The server's stream of all sessions. Browsers allow six connections per host, so tabs share one stream: the tab that holds
 * the lock reads it and forwards events to the others. Hidden tabs do not take part.
 */

import { STREAM_PATH, streamUrl } from "./api.js";

/** @import { Reset, SessionEvent, StatusEvent } from "../../session/events.ts" */

/**
 * @typedef {object} Status
 * @property {"connecting" | "open" | "lost"} state
 * @property {string | null} unreadable why the archive cannot be read.
 */

/**
 * @typedef {object} Listener
 * @property {(event: SessionEvent | Reset) => void} onEvent
 * @property {(status: Status) => void} onStatus
 */

/**
 * A message between tabs; a new tab sends hello, and the reading tab answers with the status.
 *
 * @typedef {{ hello: true } | { status: Status } | { event: SessionEvent | Reset }} Note
 */
/** @typedef {SessionEvent | StatusEvent | Reset} StreamedEvent */

/** @type {Status} */
const CONNECTING = { state: "connecting", unreadable: null };
const EVENTS = ["session_updated", "session_deleted", "degraded", "recovered", "reset"];

export class LiveStream {
  /** One per URL: behind a proxy, several servers can have the same host. */
  #name = new URL(STREAM_PATH, document.baseURI).href;
  #listener;
  /** Stops taking part. @type {AbortController | null} */
  #leaving = null;
  /** @type {BroadcastChannel | null} */
  #channel = null;
  /** Only in the reading tab. @type {EventSource | null} */
  #source = null;
  #status = CONNECTING;

  /** @param {Listener} listener */
  constructor(listener) {
    this.#listener = listener;
  }

  start() {
    if (this.#leaving !== null) return;
    this.#leaving = new AbortController();
    this.#become(CONNECTING);
    // Browsers have locks only on secure connections and on localhost; elsewhere each tab reads by itself.
    if (navigator.locks === undefined) this.#read();
    else this.#share(this.#leaving.signal);
  }

  stop() {
    this.#leaving?.abort();
    this.#leaving = null;
    this.#channel?.close();
    this.#channel = null;
    this.#source?.close();
    this.#source = null;
  }

  /** Browsers give up for good on an answer that is no stream, such as 503; this tries again. */
  revive() {
    if (this.#source?.readyState === EventSource.CLOSED) this.#read();
  }

  /** @param {AbortSignal} signal */
  #share(signal) {
    this.#channel = new BroadcastChannel(this.#name);
    this.#channel.addEventListener("message", ({ data }) => this.#hear(data));
    this.#tell({ hello: true });
    const readUntilStopped = () =>
      new Promise((resolve) => {
        signal.addEventListener("abort", resolve);
        this.#read();
      });
    navigator.locks.request(this.#name, { signal }, readUntilStopped).catch(() => {
      // A browser that blocks storage for this page may block locks too.
      if (!signal.aborted) this.#read();
    });
  }

  #read() {
    const source = new EventSource(streamUrl());
    this.#source = source;
    source.addEventListener("open", () => this.#announce({ state: "open", unreadable: null }));
    source.addEventListener("error", () => this.#announce({ ...this.#status, state: "lost" }));
    for (const name of EVENTS)
      source.addEventListener(name, ({ data }) =>
        this.#take(/** @type {StreamedEvent} */ (JSON.parse(data))),
      );
  }

  /** @param {StreamedEvent} event */
  #take(event) {
    if (event.event === "degraded") return this.#announce({ ...this.#status, unreadable: event.data });
    if (event.event === "recovered") return this.#announce({ ...this.#status, unreadable: null });
    this.#tell({ event });
    this.#listener.onEvent(event);
  }

  /** @param {Note} note */
  #hear(note) {
    if ("event" in note) this.#listener.onEvent(note.event);
    else if ("status" in note) this.#become(note.status);
    else if (this.#source !== null) this.#tell({ status: this.#status });
  }

  /** @param {Status} status */
  #announce(status) {
    this.#tell({ status });
    this.#become(status);
  }

  /** @param {Status} status */
  #become(status) {
    this.#status = status;
    this.#listener.onStatus(status);
  }

  /** @param {Note} note */
  #tell(note) {
    this.#channel?.postMessage(note);
  }
}
