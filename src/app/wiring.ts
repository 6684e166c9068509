/** The composition root: binds stores, engine, feed and clock to one another. */

import process from "node:process";
import type { Logger } from "@logtape/logtape";
import { messageOf } from "../errors.ts";
import { systemClock } from "../runtime/clock.ts";
import { openStore } from "../stores/open.ts";
import { AGENTS } from "../agents/registry.ts";
import { findDelegate } from "../agentsview/delegate.ts";
import { SyncEngine } from "../sync/engine.ts";
import type { FeedOptions } from "../watch/feed.ts";
import type { Engine, Store } from "../watch/ports.ts";
import type { SessionId } from "../session/session.ts";
import { Watcher } from "../watch/watcher.ts";
import { archiveOfEnvironment, defaultArchive, machineOfEnvironment, surroundings } from "./environment.ts";

/** The flags that every command knows; durations in ms. */
export interface CommonOptions {
  db?: string;
  sync: boolean;
  pollInterval: number;
  syncDelay: number;
  heartbeat: number;
  /** Read an archive where others could read along. */
  insecure: boolean;
}

/** What a command works with; `close` it at the end. */
export interface Wiring {
  store: Store;
  /** Only where the archive is ours, and syncing was not switched off. */
  engine: SyncEngine | undefined;
  /** Only where the archive is somebody else's, who can be asked to sync. */
  delegate: Engine | undefined;
  watcher: Watcher;
  close: () => Promise<void>;
}

/** What is peculiar to a command. */
export interface WiringOptions extends Partial<Pick<FeedOptions, "onLook">> {
  /**
   * Under which this machine's sessions are synced.
   *
   * @default $SESSIONWATCH_MACHINE, else what the archive takes for it
   */
  machine?: string | undefined;
  /** The command is of no use where nothing can be synced. @default false */
  mustWrite?: boolean;
}

/** @throws WatchError `usage`, `archive_unavailable`, `archive_unusable`. */
export async function wire(
  options: CommonOptions,
  log: Logger,
  { machine, mustWrite = false, ...observer }: WiringOptions = {},
): Promise<Wiring> {
  const url = options.db ?? archiveOfEnvironment();
  const name = machine ?? machineOfEnvironment();
  const opened = await openStore(url, {
    clock: systemClock,
    defaultPath: defaultArchive(),
    readOnly: !options.sync,
    mustWrite,
    insecure: options.insecure,
    ...(name === undefined ? {} : { machine: name }),
    warn: (message) => log.warning(message),
  });
  const { store, archive, foreignPath } = opened;
  const engine =
    archive === undefined
      ? undefined
      : // Live sync looks as often as the feed does: once is enough.
        new SyncEngine(archive, AGENTS, surroundings(), {
          clock: systemClock,
          trustMs: options.pollInterval,
        });
  // Somebody else's archive is brought up to date by its owner, and only for those who follow a session in it.
  const delegate =
    foreignPath === undefined || !options.sync
      ? undefined
      : findDelegate(foreignPath, store, { clock: systemClock, env: process.env });
  const watcher = new Watcher(store, engine ?? delegate, {
    clock: systemClock,
    pollIntervalMs: options.pollInterval,
    syncDelayMs: options.syncDelay,
    onSyncError: syncErrorLog(log),
    ...observer,
  });
  // Our own commits need no notification from the file system.
  engine?.onSynced(({ id }) => watcher.wake([id]));
  const close = (): Promise<void> => {
    delegate?.close();
    return opened.close();
  };
  return { store, engine, delegate, watcher, close };
}

/** The same failure of the same session is told once, however often it is tried again. */
function syncErrorLog(log: Logger): (id: SessionId, error: unknown) => void {
  const told = new Map<SessionId, string>();
  return (id, error) => {
    const message = messageOf(error);
    if (told.get(id) === message) return;
    told.set(id, message);
    log.warning(`cannot sync session ${id}: ${message}`);
  };
}
