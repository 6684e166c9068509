/** `watch <id>`: one line per event of one session. */

import type { Logger } from "@logtape/logtape";
import { systemClock } from "../runtime/clock.ts";
import { withHeartbeats } from "../watch/heartbeats.ts";
import { resolveId } from "../watch/resolve.ts";
import { eventFor } from "../watch/session.ts";
import type { StreamEvent } from "../watch/session.ts";
import { EXIT, Stop, stopOnSignal } from "./exit.ts";
import { startLive } from "./live.ts";
import type { LiveFlags } from "./live.ts";
import { localIndex } from "./lookup.ts";
import { writeLine } from "./output.ts";
import { followRemote } from "./remote.ts";
import { textLine } from "./text.ts";
import { wire } from "./wiring.ts";
import type { CommonOptions } from "./wiring.ts";

/** The flags of `watch <id>`. */
export interface FollowOptions extends CommonOptions, LiveFlags {
  format: "ndjson" | "text";
  /** Begin with the present state. */
  initial?: boolean;
  /** Ends after so many `session_updated` lines. */
  count?: number;
  /** In ms. */
  timeout?: number;
  /** Follow through this server instead of an archive. */
  server?: string;
  /** Failed connections in a row before giving up. */
  maxRetries: number;
}

/** @returns the exit code. @throws WatchError, PipeClosed. */
export async function follow(wanted: string, options: FollowOptions, log: Logger): Promise<number> {
  const stopping = stopOnSignal();
  const { signal } = stopping;
  if (options.timeout !== undefined)
    systemClock.after(options.timeout, () => stopping.abort(new Stop(EXIT.timeout)));

  const events =
    options.server === undefined
      ? followLocal(wanted, options, signal, log)
      : followRemote(wanted, options.server, {
          initial: options.initial === true,
          maxRetries: options.maxRetries,
          signal,
          log,
        });
  const format = options.format === "text" ? textLine : JSON.stringify;
  let updates = 0;
  try {
    for await (const event of events) {
      const line = format(event);
      if (line !== null) await writeLine(line);
      if (event.event === "session_updated") updates += 1;
      if (updates === options.count) return EXIT.done;
    }
  } catch (error) {
    // Whatever was cut off by the stop is no failure.
    if (!signal.aborted) throw error;
  }
  return signal.reason instanceof Stop ? signal.reason.exitCode : EXIT.failed;
}

async function* followLocal(
  wanted: string,
  options: FollowOptions,
  signal: AbortSignal,
  log: Logger,
): AsyncGenerator<StreamEvent, void, void> {
  const wiring = wire(options, log);
  try {
    const id = await resolveId(wanted, localIndex(wiring.store, wiring.engine));
    if (signal.aborted) return;
    const live =
      wiring.engine === undefined ? undefined : startLive(wiring.engine, options, log, { only: id });
    // What is told first is then true; what cannot be synced can be followed as the archive has it.
    await live?.synced;
    try {
      const subscription = wiring.watcher.events(id, { signal });
      const session = await subscription.ready;
      if (options.initial === true && session !== null) yield eventFor(id, session, systemClock.now());
      yield* withHeartbeats(subscription[Symbol.asyncIterator](), systemClock, options.heartbeat);
    } finally {
      live?.stop();
    }
  } finally {
    await wiring.close();
  }
}
