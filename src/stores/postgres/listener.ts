/** Listens to an archive that tells of its changes; whatever goes wrong, it begins anew, and polls go on meanwhile. */

import { backoffMs } from "../../watch/backoff.ts";
import type { SessionId } from "../../watch/session.ts";
import { quoted } from "./identifier.ts";
import { Link } from "./link.ts";
import type { Run } from "./link.ts";
import type { Target } from "./target.ts";
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
/** How often (ms) a quiet connection is asked whether it still is one. */
const KEEP_ALIVE_MS = 5000;
/** Wait (ms) before listening again; doubles. */
const RETRY = { firstMs: 100, maxMs: 30_000 };

export class Listener {
  readonly #target: Target;
  readonly #options: ListenerOptions;
  #channel: string | null = null;
  /** Ends what is under way. */
  #stop: (() => void) | null = null;
  #beginnings = 0;
  #isHeard = false;

  constructor(target: Target, options: ListenerOptions) {
    this.#target = target;
    this.#options = options;
  }

  /**
   * Differs from what it was before if anything may have been missed meanwhile; null while nothing is heard, or that is not
   * certain.
   */
  get hearing(): number | null {
    return this.#isHeard ? this.#beginnings : null;
  }

  /** @param channel null to listen no more. */
  listenTo(channel: string | null): void {
    if (channel === this.#channel) return;
    this.#channel = channel;
    this.#stop?.();
    this.#stop = null;
    if (channel !== null) this.#goOn(channel);
  }

  #goOn(channel: string): void {
    const stopping = Promise.withResolvers<"stopped">();
    this.#stop = () => stopping.resolve("stopped");
    void (async () => {
      for (let failures = 0; ;) {
        const hasHeard = await this.#listenOnce(channel, stopping.promise);
        failures = hasHeard ? 1 : failures + 1;
        const retryMs = backoffMs(failures, RETRY);
        if ((await Promise.race([stopping.promise, pause(retryMs)])) === "stopped") return;
      }
    })();
  }

  /** On a connection of its own, until that is lost. @returns whether it has heard anything. */
  async #listenOnce(channel: string, stopped: Promise<unknown>): Promise<boolean> {
    const proof = `${PROOF}${crypto.randomUUID()}`;
    const proven = Promise.withResolvers<"proven">();
    const lost = Promise.withResolvers<"lost">();
    const link = new Link(this.#target, {
      purpose: "listen",
      onLost: () => lost.resolve("lost"),
      onNotice: (payload) => {
        if (payload === proof) proven.resolve("proven");
        else if (!payload.startsWith(PROOF)) this.#tell(idsIn(payload));
      },
    });
    const ended = Promise.race([stopped, lost.promise]);
    let hasHeard = false;
    try {
      await link.query(`LISTEN ${quoted(channel)}`);
      await this.#options.elsewhere("SELECT pg_catalog.pg_notify($1, $2)", [channel, proof]);
      if ((await Promise.race([ended, proven.promise, pause(PROOF_MS)])) !== "proven") return false;
      hasHeard = true;
      this.#isHeard = true;
      // What was told before is to be caught up with.
      this.#tell(null);
      while ((await Promise.race([ended, pause(KEEP_ALIVE_MS)])) === undefined) await link.query("SELECT 1");
    } catch {
      // The poll finds out, and tells, what is wrong with the archive.
    } finally {
      this.#isHeard = false;
      link.close();
    }
    return hasHeard;
  }

  #tell(ids: readonly SessionId[] | null): void {
    // Whoever has heard everything up to now does not know what it was.
    if (ids === null) this.#beginnings += 1;
    this.#options.onChange(ids);
  }
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

function pause(ms: number): Promise<undefined> {
  return new Promise((resolve) => void setTimeout(() => resolve(undefined), ms));
}
