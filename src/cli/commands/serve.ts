/** `watch serve`: the HTTP server. */

import process from "node:process";
import type { Logger } from "@logtape/logtape";
import { messageOf, WatchError } from "../../errors.ts";
import { systemClock } from "../../runtime/clock.ts";
import { PAGE_FILES } from "../../page/files.ts";
import { listen } from "../../runtime/listen.ts";
import type { Listener, ListenOptions } from "../../runtime/listen.ts";
import { ownProcess } from "../../runtime/process.ts";
import { inUrl } from "../../server/addresses.ts";
import { createApp } from "../../server/app.ts";
import { Measurements } from "../../server/monitoring/measurements.ts";
import { Admission } from "../../server/streams/admission.ts";
import type { AdmissionOptions } from "../../server/streams/admission.ts";
import { Streams } from "../../server/streams/streams.ts";
import type { SyncEngine } from "../../sync/engine.ts";
import { VERSION } from "../../version.ts";
import type { SyncFigures } from "../../watch/ports.ts";
import { accessOf } from "../input/access.ts";
import type { AccessFlags } from "../input/access.ts";
import { EXIT, stopOnSignal } from "../exit.ts";
import { startLive } from "../../app/live.ts";
import type { Live, LiveFlags } from "../../app/live.ts";
import { loggedStreams, logRequest } from "../output/serve-log.ts";
import { maxStreamsWithin } from "../../app/stream-limit.ts";
import { syncTarget } from "../../app/sync-target.ts";
import { abortable } from "../../async/abortable.ts";
import { wire } from "../../app/wiring.ts";
import type { CommonOptions } from "../../app/wiring.ts";

/** The flags of `watch serve`. */
export interface ServeOptions extends CommonOptions, LiveFlags, AccessFlags, AdmissionOptions {
  /** 0 means any free one. */
  port: number;
  /** Under which this machine's sessions are synced. */
  machine?: string;
}

/** How long (ms) clients have to take the last bytes of their streams. */
const DRAIN_MS = 200;

/** @returns the exit code, once it was told to stop. */
export async function serve(options: ServeOptions, log: Logger): Promise<number> {
  const warn = (message: string): void => log.warning(message);
  const access = accessOf(options, warn);
  const maxStreams = maxStreamsWithin(ownProcess.openFileLimit(), options.maxStreams, warn);
  const { signal } = stopOnSignal();
  const onError = (error: unknown): void => log.error(messageOf(error), { error });
  const measured = new Measurements();
  const wiring = await unlessStopped(
    wire(options, log, { machine: options.machine, onLook: (ms) => measured.looks.observe(ms) }),
    signal,
  );
  if (wiring === null) return EXIT.done;
  const { store, engine, watcher, close } = wiring;
  let live: Live | undefined;
  engine?.onSynced(({ tookMs }) => measured.syncs.observe(tookMs));
  const streams = new Streams(systemClock, options.heartbeat, loggedStreams(log, measured));
  const admission = new Admission({ ...options, maxStreams });
  const app = createApp({
    store,
    watcher,
    streams,
    clock: systemClock,
    access,
    admission,
    page: PAGE_FILES,
    sync: (target) => syncTarget(target, wiring),
    version: VERSION,
    pid: process.pid,
    metrics: {
      measured,
      feed: () => watcher.figures,
      sync: () => (engine === undefined ? null : figuresOf(engine, live)),
      process: ownProcess,
    },
    onError,
    onRequest: (request) => logRequest(log, request),
  });
  try {
    const listener = open(options, (request, connection) => app.fetch(request, connection));
    const url = `http://${inUrl(options.host)}:${listener.port}`;
    log.info("listening on {url}", { url, version: VERSION, pid: process.pid });
    // Requests are answered while what had changed before is synced.
    if (engine !== undefined) live = startLive(engine, options, log);
    await aborted(signal);
    admission.close();
    log.info("stopping with {streams} streams open", { streams: streams.size });
    live?.stop();
    // Also those that are about to begin.
    const drainMs = admission.size === 0 ? 0 : DRAIN_MS;
    streams.closeAll();
    await new Promise<void>((resolve) => void systemClock.after(drainMs, resolve));
    await listener.stop();
  } finally {
    await close();
  }
  return EXIT.done;
}

/** @returns null if it was told to stop before the archive had answered. */
async function unlessStopped<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | null> {
  try {
    return await abortable(promise, signal);
  } catch (error) {
    if (signal.aborted) return null;
    throw error;
  }
}

/** What is asked of the engine, and what waits to be. */
function figuresOf(engine: SyncEngine, live: Live | undefined): SyncFigures {
  const { failures, backlog } = engine.figures;
  return { failures, backlog: backlog + (live?.waiting ?? 0) };
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
