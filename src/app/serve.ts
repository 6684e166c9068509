/** Runs the HTTP server: connects archive, live sync, streams and routes, and stops them in order. */

import process from "node:process";
import { abortable } from "../async/abortable.ts";
import { codeOf, reasonOf } from "../async/failure-words.ts";
import { WatchError } from "../errors.ts";
import { PAGE_FILES } from "../page/files.ts";
import { systemClock } from "../runtime/clock.ts";
import { listen } from "../runtime/listen.ts";
import type { Listener, ListenOptions } from "../runtime/listen.ts";
import { ownProcess } from "../runtime/process.ts";
import { inUrl } from "../addresses.ts";
import { createApp } from "../server/app.ts";
import type { Access } from "../server/guards/guards.ts";
import { Measurements } from "../server/monitoring/measurements.ts";
import type { AnsweredRequest } from "../server/request-observer.ts";
import type { StreamObserver } from "../server/stream-observer.ts";
import { Admission } from "../server/streams/admission.ts";
import type { AdmissionOptions } from "../server/streams/admission.ts";
import { Streams } from "../server/streams/streams.ts";
import type { SyncEngine } from "../sync/engine.ts";
import { VERSION } from "../version.ts";
import type { SyncFigures } from "../watch/ports.ts";
import { startBackgroundSync } from "./background-sync.ts";
import type { BackgroundSync, BackgroundSyncOptions } from "./background-sync.ts";
import type { Reporter } from "./reporter.ts";
import { streamLimit } from "./stream-limit.ts";
import { syncOnRequest } from "./sync-request.ts";
import { wire } from "./wiring.ts";
import type { ArchiveOptions } from "./wiring.ts";

export interface ServeOptions extends ArchiveOptions, BackgroundSyncOptions, AdmissionOptions {
  /** The address to listen on. */
  host: string;
  /** 0 picks a free one. */
  port: number;
  /** The name under which this machine's sessions are synced. */
  machine?: string;
  /** Who may use the server. */
  access: Access;
}

/** What the server reports while it runs. */
export interface ServerObserver {
  reporter: Reporter;
  /** Streams open and close, and send events. */
  streams: StreamObserver;
  /** A request was answered, or refused. */
  onRequest: (request: AnsweredRequest) => void;
  /** A request failed for a reason that is not the client's. */
  onError: (error: unknown) => void;
}

export interface RunningServer {
  /** Its address, with the port that it got. */
  url: string;
  /** Streams that are open. */
  readonly openStreams: number;
  /** Refuses new streams, ends the open ones, and closes the archive. */
  stop: () => Promise<void>;
}

/** How long (ms) clients have to read the last bytes of their streams. */
const DRAIN_MS = 200;

/**
 * Resolves when the server listens; it syncs what had changed before while it answers requests.
 *
 * @throws WatchError `usage`, `archive_unavailable`, `archive_unusable`, `cannot_listen`; the signal's reason.
 */
export async function startServer(
  options: ServeOptions,
  observer: ServerObserver,
  signal: AbortSignal,
): Promise<RunningServer> {
  const limit = streamLimit(ownProcess.openFileLimit(), options.maxStreams);
  if (limit.warning !== null) observer.reporter.warn(limit.warning);
  const measured = new Measurements();
  const wiring = await abortable(
    wire(options, observer.reporter, {
      machine: options.machine,
      onLook: (ms) => measured.looks.observe(ms),
    }),
    signal,
  );
  const { store, engine, watcher, close } = wiring;
  engine?.onSynced(({ tookMs }) => measured.syncs.observe(tookMs));
  const streams = new Streams(systemClock, options.heartbeat, both(measured, observer.streams));
  const admission = new Admission({ ...options, maxStreams: limit.maxStreams });
  let sync: BackgroundSync | undefined;
  const app = createApp({
    store,
    watcher,
    streams,
    clock: systemClock,
    access: options.access,
    admission,
    page: PAGE_FILES,
    sync: (target) => syncOnRequest(target, wiring),
    version: VERSION,
    pid: process.pid,
    metrics: {
      measured,
      feed: () => watcher.figures,
      sync: () => (engine === undefined ? null : figuresOf(engine, sync)),
      process: ownProcess,
    },
    onError: observer.onError,
    onRequest: observer.onRequest,
  });
  let listener: Listener;
  try {
    listener = open(options, (request, connection) => app.fetch(request, connection));
  } catch (error) {
    await close();
    throw error;
  }
  sync = engine && startBackgroundSync(engine, options, observer.reporter);
  return {
    url: `http://${inUrl(options.host)}:${listener.port}`,
    get openStreams() {
      return streams.size;
    },
    async stop() {
      admission.close();
      sync?.stop();
      // `size` also counts streams that are about to begin.
      const drainMs = admission.size === 0 ? 0 : DRAIN_MS;
      streams.closeAll();
      await new Promise<void>((resolve) => void systemClock.after(drainMs, resolve));
      await listener.stop().finally(close);
    },
  };
}

/** The engine's figures, plus the transcripts that live sync has found and not yet handed over. */
function figuresOf(engine: SyncEngine, sync: BackgroundSync | undefined): SyncFigures {
  const { failures, backlog } = engine.figures;
  return { failures, backlog: backlog + (sync?.waiting ?? 0) };
}

function both(first: StreamObserver, second: StreamObserver): StreamObserver {
  return {
    onOpen(kind) {
      first.onOpen(kind);
      second.onOpen(kind);
    },
    onClose(kind, reason, openMs) {
      first.onClose(kind, reason, openMs);
      second.onClose(kind, reason, openMs);
    },
    onSent(kind, lagMs) {
      first.onSent(kind, lagMs);
      second.onSent(kind, lagMs);
    },
  };
}

/** @throws WatchError `cannot_listen` */
function open({ host, port }: ServeOptions, fetch: ListenOptions["fetch"]): Listener {
  try {
    return listen({ hostname: host, port, fetch });
  } catch (error) {
    const advice = LISTEN_ADVICE[codeOf(error) ?? ""];
    const why = advice === undefined ? reasonOf(error) : `${reasonOf(error)}; ${advice}`;
    throw new WatchError("cannot_listen", `Cannot listen on ${host}:${port}: ${why}`, { cause: error });
  }
}

const LISTEN_ADVICE: Record<string, string> = {
  EADDRINUSE: "choose another with --port (0 picks a free one)",
  EADDRNOTAVAIL: "choose another with --host",
  EACCES: "only the administrator may use ports below 1024",
};
