/** Listens to an archive that tells of its changes; whatever goes wrong, it begins anew, and polls go on meanwhile. */

import { backoffMs } from "../../../async/backoff.ts";
import type { SessionId } from "../../../session/session.ts";
import { isAnswer } from "../connect/connection.ts";
import { Link } from "../connect/link.ts";
import type { Run } from "../connect/run.ts";
import { runScript } from "../connect/script.ts";
import type { Target } from "../connect/target.ts";
import { quoted } from "../quoting.ts";
import { ANYTHING } from "./trigger.ts";

export interface ListenerOptions {
  /** Runs statements on another connection than the listener's own. */
  elsewhere: Run;
  /** @param ids null if any session may have changed. */
  onChange: (ids: readonly SessionId[] | null) => void;
}

/** Begins a payload that is no news, but shows to the listener that has sent it that news would arrive. */
const PROOF = "?";
/** How long (ms) a proof may take. Behind a pooler that gives each transaction another connection, none comes. */
const PROOF_MS = 2000;
/** How often a pooler is asked for the connection that it has left listening; it has many. */
const UNLISTEN_TRIES = 20;
/** How often (ms) a quiet connection is asked whether it still is one. */
const KEEP_ALIVE_MS = 5000;
/** Wait (ms) before listening again, doubling: to a server that was lost, and to one that lets nothing be heard. */
const RETRY = {
  lost: { firstMs: 100, maxMs: 2000 },
  deaf: { firstMs: 100, maxMs: 30_000 },
};

export class Listener {
  readonly #target: Target;
  readonly #options: ListenerOptions;
  #channel: string | null = null;
  /** Ends what is under way. */
  #stop: (() => void) | null = null;
  /** Ends the connection of which it was proven, or is about to be, that news arrive there. */
  #disprove: (() => void) | null = null;
  /** How often anything may have changed, or was missed. */
  #doubts = 0;
  #isHeard = false;

  constructor(target: Target, options: ListenerOptions) {
    this.#target = target;
    this.#options = options;
  }

  /**
   * Differs from what it was before if anything but the sessions that were told may have changed meanwhile; null while
   * nothing is heard, or that is not certain.
   */
  get hearing(): number | null {
    return this.#isHeard ? this.#doubts : null;
  }

  /** @param channel null to listen no more. */
  listenTo(channel: string | null): void {
    if (channel === this.#channel) return;
    this.#channel = channel;
    this.#stop?.();
    this.#stop = null;
    if (channel !== null) this.#goOn(channel);
  }

  /** `elsewhere` has lost its connection: the next one may lead to another server, whose news are not heard here. */
  proveAgain(): void {
    this.#disprove?.();
  }

  #goOn(channel: string): void {
    const stopping = new AbortController();
    this.#stop = () => stopping.abort();
    void (async () => {
      for (let failures = 0; !stopping.signal.aborted;) {
        const end = await this.#listenOnce(channel, stopping.signal);
        failures = end === "heard" ? 1 : failures + 1;
        await pause(backoffMs(failures, RETRY[end === "deaf" ? end : "lost"]), stopping.signal);
      }
    })();
  }

  /**
   * On a connection of its own, until that is lost.
   *
   * @returns `heard` if news would have arrived until then; `deaf` if there was a server, but none would.
   */
  async #listenOnce(channel: string, stopped: AbortSignal): Promise<"heard" | "lost" | "deaf"> {
    const proof = `${PROOF}${crypto.randomUUID()}`;
    const proving = new AbortController();
    const ending = new AbortController();
    let isProven = false;
    const end = (): void => {
      this.#isHeard = false;
      if (this.#disprove === end) this.#disprove = null;
      ending.abort();
      proving.abort();
      void link.close();
    };
    const link = new Link(this.#target, {
      purpose: "listen",
      onLost: end,
      onNotice: (payload) => {
        isProven ||= payload === proof;
        if (payload === proof) proving.abort();
        else if (!payload.startsWith(PROOF)) this.#tell(idsIn(payload));
      },
    });
    stopped.addEventListener("abort", end);
    try {
      const backend = await backendAfter(link.query, `LISTEN ${quoted(channel)}`);
      await this.#options.elsewhere("SELECT pg_catalog.pg_notify($1, $2)", [channel, proof]);
      this.#disprove = end;
      await pause(PROOF_MS, proving.signal);
      if (ending.signal.aborted) return "lost";
      if (!isProven) {
        await unlisten(link.query, channel, backend);
        return "deaf";
      }
      this.#isHeard = true;
      // Changes before this moment went unheard: everything is to be looked at once.
      this.#tell(null);
      while (!(await pause(KEEP_ALIVE_MS, ending.signal))) await link.query("SELECT 1");
    } catch (error) {
      // The poll finds out, and tells, what is wrong with the archive. A standby can be read, but not listened to.
      if (isAnswer(error)) return "deaf";
    } finally {
      stopped.removeEventListener("abort", end);
      end();
    }
    // Nothing is heard until the next connection: everything is to be looked at until then.
    if (isProven && !stopped.aborted) this.#tell(null);
    return isProven ? "heard" : "lost";
  }

  #tell(ids: readonly SessionId[] | null): void {
    // Any session may have changed: what was concluded from `hearing` before holds no more.
    if (ids === null) this.#doubts += 1;
    this.#options.onChange(ids);
  }
}

/** Behind a pooler, somebody else has that connection by now, and would be told what they have not asked for. */
async function unlisten(run: Run, channel: string, backend: unknown): Promise<void> {
  for (let tries = 0; tries < UNLISTEN_TRIES; tries += 1)
    if ((await backendAfter(run, `UNLISTEN ${quoted(channel)}`)) === backend) return;
}

/** @returns what the server calls the connection on which it has run the statement. */
async function backendAfter(run: Run, statement: string): Promise<unknown> {
  const [row] = await runScript(run, [statement, "SELECT pg_catalog.pg_backend_pid() AS pid"], PROOF_MS);
  return row?.["pid"];
}

/** @returns null for whatever is not a list of ids: anything may have changed then. */
function idsIn(payload: string): SessionId[] | null {
  if (payload === ANYTHING) return null;
  try {
    const ids: unknown = JSON.parse(payload);
    return Array.isArray(ids) && ids.every((id) => typeof id === "string") ? ids : null;
  } catch {
    return null;
  }
}

/** @returns whether it was cut short; leaves nothing behind on the signal. */
function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(true);
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve(signal.aborted);
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
