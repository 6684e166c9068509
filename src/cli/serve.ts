/** `watch serve`: the HTTP server. */

import process from "node:process";
import type { Logger } from "@logtape/logtape";
import { messageOf, WatchError } from "../errors.ts";
import { systemClock } from "../runtime/clock.ts";
import { listen } from "../runtime/listen.ts";
import type { Listener, ListenOptions } from "../runtime/listen.ts";
import { Admission } from "../server/admission.ts";
import type { AdmissionOptions } from "../server/admission.ts";
import { createApp } from "../server/app.ts";
import { inUrl } from "../server/hosts.ts";
import { Streams } from "../server/streams.ts";
import { VERSION } from "../version.ts";
import { accessOf } from "./access.ts";
import type { AccessFlags } from "./access.ts";
import { EXIT, stopOnSignal } from "./exit.ts";
import { startLive } from "./live.ts";
import type { LiveFlags } from "./live.ts";
import { syncTarget } from "./sync-target.ts";
import { wire } from "./wiring.ts";
import type { CommonOptions } from "./wiring.ts";

/** The flags of `watch serve`. */
export interface ServeOptions extends CommonOptions, LiveFlags, AccessFlags, AdmissionOptions {
  /** 0 means any free one. */
  port: number;
}

/** How long (ms) clients have to take the last bytes of their streams. */
const DRAIN_MS = 200;

/** @returns the exit code, once it was told to stop. */
export async function serve(options: ServeOptions, log: Logger): Promise<number> {
  const access = accessOf(options, (message) => log.warning(message));
  const { signal } = stopOnSignal();
  const wiring = wire(options, log);
  const { store, engine, watcher, close } = wiring;
  const streams = new Streams(systemClock, options.heartbeat);
  const app = createApp({
    store,
    watcher,
    streams,
    clock: systemClock,
    access,
    admission: new Admission(options),
    sync: (target) => syncTarget(target, wiring),
    version: VERSION,
    pid: process.pid,
    onError: (error) => log.error(messageOf(error), { error }),
  });
  try {
    const listener = open(options, (request, connection) => app.fetch(request, connection));
    log.info(`listening on http://${inUrl(options.host)}:${listener.port}`);
    // Requests are answered while what had changed before is synced.
    const live = engine === undefined ? undefined : startLive(engine, options, log);
    await aborted(signal);
    live?.stop();
    const drainMs = streams.size === 0 ? 0 : DRAIN_MS;
    streams.closeAll();
    await new Promise<void>((resolve) => void systemClock.after(drainMs, resolve));
    await listener.stop();
  } finally {
    await close();
  }
  return EXIT.done;
}

function open({ host, port }: ServeOptions, fetch: ListenOptions["fetch"]): Listener {
  try {
    return listen({ hostname: host, port, fetch });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    const why = REASONS[code] ?? messageOf(error);
    throw new WatchError("cannot_listen", `Cannot listen on ${host}:${port}: ${why}`, { cause: error });
  }
}

const REASONS: Record<string, string> = {
  EADDRINUSE: "the port is in use; choose another with --port (0 for any free one)",
  EADDRNOTAVAIL: "this machine has no such address; choose another with --host",
  EACCES: "permission denied; ports below 1024 are the administrator's",
};

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
