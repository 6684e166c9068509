/** The composition root: connects store, engine, watcher and clock. */

import process from "node:process";
import { AGENTS } from "../agents/registry.ts";
import { findDelegate } from "../agentsview/delegate.ts";
import { onChange } from "../async/once.ts";
import { messageOf } from "../errors.ts";
import { systemClock } from "../runtime/clock.ts";
import type { SessionId } from "../session/session.ts";
import { openStore } from "../stores/open.ts";
import { SyncEngine } from "../sync/engine.ts";
import type { FeedOptions } from "../watch/feed.ts";
import type { Engine, Store } from "../watch/ports.ts";
import { Watcher } from "../watch/watcher.ts";
import { archiveOfEnvironment, defaultArchive, machineOfEnvironment, surroundings } from "./environment.ts";
import type { Reporter } from "./reporter.ts";

/** Which archive, and how it is followed; durations in ms. */
export interface ArchiveOptions {
  /** The archive's URL. @default $SESSIONWATCH_DB, else our own */
  db?: string;
  /** Whether transcripts may be read. */
  sync: boolean;
  pollInterval: number;
  syncDelay: number;
  heartbeat: number;
  /** Accept a connection to the archive that others could read. */
  insecure: boolean;
}

/** What a use case works with; it calls `close` at the end. */
export interface Wiring {
  store: Store;
  /** Only for our own archive, if syncing is on. */
  engine: SyncEngine | undefined;
  /** Only for an archive of another program that can sync it. */
  delegate: Engine | undefined;
  watcher: Watcher;
  close: () => Promise<void>;
}

/** What differs between use cases. */
export interface WiringOptions extends Partial<Pick<FeedOptions, "onLook">> {
  /** The machine name of synced sessions. @default $SESSIONWATCH_MACHINE, else the archive's default */
  machine?: string | undefined;
  /** Fail if nothing can be synced. @default false */
  mustWrite?: boolean;
}

/** @throws WatchError `usage`, `archive_unavailable`, `archive_unusable`. */
export async function wire(
  options: ArchiveOptions,
  reporter: Reporter,
  { machine, mustWrite = false, ...observer }: WiringOptions = {},
): Promise<Wiring> {
  const name = machine ?? machineOfEnvironment();
  const clock = systemClock;
  const opened = await openStore(options.db ?? archiveOfEnvironment(), {
    clock,
    defaultPath: defaultArchive(),
    readOnly: !options.sync,
    mustWrite,
    insecure: options.insecure,
    ...(name === undefined ? {} : { machine: name }),
    warn: (message) => reporter.warn(message),
  });
  const { store, archive, foreignPath } = opened;
  const engine =
    archive === undefined
      ? undefined
      : // Live sync checks a transcript as often as the feed asks for it, so the feed can trust its result.
        new SyncEngine(archive, AGENTS, surroundings(), { clock, trustMs: options.pollInterval });
  // Another program's archive is synced by that program, and only for clients that follow a session in it.
  const delegate =
    foreignPath === undefined || !options.sync
      ? undefined
      : findDelegate(foreignPath, store, { clock, env: process.env });
  const watcher = new Watcher(store, engine ?? delegate, {
    clock,
    pollIntervalMs: options.pollInterval,
    syncDelayMs: options.syncDelay,
    onSyncError: warnOnChange(reporter),
    ...observer,
  });
  // Our own commits need no notification from the file system.
  engine?.onSynced(({ id }) => watcher.wake([id]));
  const close = (): Promise<void> => {
    delegate?.close();
    engine?.close();
    return opened.close();
  };
  return { store, engine, delegate, watcher, close };
}

/** Warns once of a session's failure, however often the sync is retried. */
function warnOnChange(reporter: Reporter): (id: SessionId, error: unknown) => void {
  return onChange<[id: SessionId, error: unknown]>(
    (id) => id,
    (_id, error) => messageOf(error),
    (id, error) => reporter.warn(`cannot sync session ${id}: ${messageOf(error)}`),
  );
}
