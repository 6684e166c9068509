/** Receives the archive's notifications. Whatever fails, it listens again; polls find the changes meanwhile. */

import { pause } from "../../../async/abortable.ts";
import { backoffMs } from "../../../async/backoff.ts";
import type { Clock } from "../../../async/clock.ts";
import type { SessionId } from "../../../session/session.ts";
import type { ArchiveAddress } from "../connect/archive-address.ts";
import { ReconnectingConnection } from "../connect/reconnecting-connection.ts";
import { isAnswer } from "../sql/postgres-errors.ts";
import { quoted } from "../sql/quoting.ts";
import { runScript } from "../sql/script.ts";
import type { Run } from "../sql/statement.ts";
import { ANYTHING } from "./trigger.ts";

export interface NotifyListenerOptions {
  /** Runs statements on another connection than the listener's own. */
  elsewhere: Run;
  /** @param ids null if any session may have changed. */
  onChange: (ids: readonly SessionId[] | null) => void;
}

/** Begins the payload of a test notification, which proves to the listener that sent it that others would arrive too. */
const PROOF = "?";
/** How long (ms) a test notification may take. None arrives through a pooler that changes connections. */
const PROOF_MS = 2000;
/** How often a pooler is asked for the connection that it left listening; it has many. */
const UNLISTEN_TRIES = 20;
/** How often (ms) a quiet connection is checked. */
const KEEP_ALIVE_MS = 5000;
/** Wait (ms) before listening again, doubling: after a lost server, and after one whose notifications do not arrive. */
const RETRY = {
  lost: { firstMs: 100, maxMs: 2000 },
  deaf: { firstMs: 100, maxMs: 30_000 },
};

export class NotifyListener {
  readonly #address: ArchiveAddress;
  readonly #clock: Clock;
  readonly #options: NotifyListenerOptions;
  #channel: string | null = null;
  /** Stops listening. */
  #stop: (() => void) | null = null;
  /** Ends the connection that was proven to receive notifications, or is being proven. */
  #disprove: (() => void) | null = null;
  /** How often notifications may have been lost, or named no session. */
  #gaps = 0;
  #isProven = false;

  constructor(address: ArchiveAddress, clock: Clock, options: NotifyListenerOptions) {
    this.#address = address;
    this.#clock = clock;
    this.#options = options;
  }

  /**
   * While this is the same number, only sessions that `onChange` named have changed; null while notifications may be
   * lost.
   */
  get coverage(): number | null {
    return this.#isProven ? this.#gaps : null;
  }

  /** @param channel null to stop listening. */
  listenTo(channel: string | null): void {
    if (channel === this.#channel) return;
    this.#channel = channel;
    this.#stop?.();
    this.#stop = null;
    if (channel === null) return;
    const stopping = new AbortController();
    this.#stop = () => stopping.abort();
    void this.#keepListening(channel, stopping.signal);
  }

  /** The connection `elsewhere` was lost; the next one may lead to another server, which does not notify this one. */
  proveAgain(): void {
    this.#disprove?.();
  }

  async #keepListening(channel: string, stopped: AbortSignal): Promise<void> {
    for (let failures = 0; !stopped.aborted;) {
      const end = await this.#listenOnce(channel, stopped);
      failures = end === "proven" ? 1 : failures + 1;
      await this.#wasCut(backoffMs(failures, RETRY[end === "deaf" ? end : "lost"]), stopped);
    }
  }

  /**
   * Listens on a new connection until that is lost.
   *
   * @returns `proven` if notifications would have arrived; `deaf` if there was a server, but none would.
   */
  async #listenOnce(channel: string, stopped: AbortSignal): Promise<"proven" | "lost" | "deaf"> {
    const proof = `${PROOF}${crypto.randomUUID()}`;
    const proving = new AbortController();
    const ending = new AbortController();
    let isProven = false;
    const end = (): void => {
      this.#isProven = false;
      if (this.#disprove === end) this.#disprove = null;
      ending.abort();
      proving.abort();
      void connection.close();
    };
    const connection = new ReconnectingConnection(this.#address, this.#clock, {
      purpose: "listen",
      onLost: end,
      onNotice: (payload) => {
        isProven ||= payload === proof;
        if (payload === proof) proving.abort();
        else if (!payload.startsWith(PROOF)) this.#pass(idsIn(payload));
      },
    });
    stopped.addEventListener("abort", end);
    try {
      const backend = await backendAfter(connection.query, `LISTEN ${quoted(channel)}`);
      await this.#options.elsewhere("SELECT pg_catalog.pg_notify($1, $2)", [channel, proof]);
      this.#disprove = end;
      await this.#wasCut(PROOF_MS, proving.signal);
      if (ending.signal.aborted) return "lost";
      if (!isProven) {
        await unlisten(connection.query, channel, backend);
        return "deaf";
      }
      this.#isProven = true;
      // Notifications before this moment were lost.
      this.#pass(null);
      while (!(await this.#wasCut(KEEP_ALIVE_MS, ending.signal))) await connection.query("SELECT 1");
    } catch (error) {
      // Polls report what is wrong with the archive. A standby can be read, but it refuses LISTEN.
      if (isAnswer(error)) return "deaf";
    } finally {
      stopped.removeEventListener("abort", end);
      end();
    }
    // Notifications are lost until the next connection listens.
    if (isProven && !stopped.aborted) this.#pass(null);
    return isProven ? "proven" : "lost";
  }

  #pass(ids: readonly SessionId[] | null): void {
    if (ids === null) this.#gaps += 1;
    this.#options.onChange(ids);
  }

  /** Waits for `ms`. @returns whether the signal ended the wait. */
  async #wasCut(ms: number, signal: AbortSignal): Promise<boolean> {
    try {
      await pause(ms, this.#clock, signal);
      return false;
    } catch (error) {
      if (!signal.aborted) throw error;
      return true;
    }
  }
}

/** Behind a pooler, another client has the connection by now, and would get notifications that it did not ask for. */
async function unlisten(run: Run, channel: string, backend: unknown): Promise<void> {
  for (let tries = 0; tries < UNLISTEN_TRIES; tries += 1)
    if ((await backendAfter(run, `UNLISTEN ${quoted(channel)}`)) === backend) return;
}

/** @returns the process id of the backend that ran the statement. */
async function backendAfter(run: Run, statement: string): Promise<unknown> {
  const [row] = await runScript(run, [statement, "SELECT pg_catalog.pg_backend_pid() AS pid"], PROOF_MS);
  return row?.["pid"];
}

/** @returns null for anything but a list of ids: any session may have changed then. */
function idsIn(payload: string): SessionId[] | null {
  if (payload === ANYTHING) return null;
  try {
    const ids: unknown = JSON.parse(payload);
    return Array.isArray(ids) && ids.every((id) => typeof id === "string") ? ids : null;
  } catch {
    return null;
  }
}
