/** `watch <id>`, `watch --all`: one line per event. */

import type { Logger } from "@logtape/logtape";
import { WatchError } from "../../errors.ts";
import { systemClock } from "../../runtime/clock.ts";
import type { StreamEvent } from "../../session/events.ts";
import { EXIT, Stop, stopOnSignal } from "../exit.ts";
import { followLocal } from "../../app/local.ts";
import type { LocalOptions } from "../../app/local.ts";
import { writeLine } from "../output/output.ts";
import { followRemote } from "../../app/remote.ts";
import type { Target } from "../input/target.ts";
import { textLine } from "../output/text.ts";
import { readToken } from "../input/token.ts";

/** The flags of following. */
export interface FollowOptions extends Omit<LocalOptions, "initial"> {
  format: "ndjson" | "text";
  /** Begin with the present state. */
  initial?: boolean;
  /** Ends after so many `session_updated` lines. */
  count?: number;
  /** In ms. */
  timeout?: number;
  /** Follow through this server instead of an archive. */
  server?: string;
  /** Where the server's token is. */
  tokenFile?: string;
  /** Failed connections in a row before giving up. */
  maxRetries: number;
}

/** @returns the exit code. @throws WatchError, PipeClosed. */
export async function follow(target: Target, options: FollowOptions, log: Logger): Promise<number> {
  const stopping = stopOnSignal();
  const { signal } = stopping;
  if (options.timeout !== undefined)
    systemClock.after(options.timeout, () => stopping.abort(new Stop(EXIT.timeout)));

  const format = options.format === "text" ? textLine : JSON.stringify;
  let updates = 0;
  try {
    for await (const event of eventsOf(target, options, signal, log)) {
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

function eventsOf(
  target: Target,
  options: FollowOptions,
  signal: AbortSignal,
  log: Logger,
): AsyncIterable<StreamEvent> {
  const { initial = false, server, tokenFile, maxRetries } = options;
  if (server !== undefined) {
    const token = readToken(tokenFile);
    return followRemote(target, server, { initial, maxRetries, token, signal, log });
  }
  if (tokenFile !== undefined)
    throw new WatchError("usage", "--token-file is for a server: use it with --server");
  return followLocal(target, { ...options, initial }, signal, log);
}
