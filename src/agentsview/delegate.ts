/**
 * Asks agentsview to sync a session of its own archive, which we must not write.
 * This file is about another program, as are `run.ts` and `executable.ts`; no transcript is read here.
 */

import type { BigIntStats } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import process from "node:process";
import { messageOf, WatchError } from "../errors.ts";
import type { Clock } from "../async/clock.ts";
import type { Engine, Store } from "../watch/ports.ts";
import type { SessionId, SourceToken } from "../session/session.ts";
import { findExecutable } from "./executable.ts";
import { SerialQueue } from "../async/serial-queue.ts";
import { HangGuard } from "../async/hang-guard.ts";
import { run } from "./run.ts";
import type { Ended } from "./run.ts";

/** How long (ms) one process may take; what takes longer is killed. */
const DEADLINE_MS = 30_000;
/** How long (ms) the file system may take to say what a transcript is. */
export const STAT_MS = 10_000;
/** agentsview's fixed name for its archive. Only the folder can be set. */
const ARCHIVE_NAME = "sessions.db";
/** Longest reason (characters) in a message. */
const REASON_MAX = 300;
/** Its first release with `session sync`. Older ones take any words for "start the server". */
const FIRST_VERSION = [0, 23] as const;

export interface DelegateOptions {
  clock: Clock;
  /** Its `PATH` is searched, and it is handed on. */
  env: NodeJS.ProcessEnv;
  /** In ms. @default 30_000 */
  deadlineMs?: number;
  /** What is at a path; null if nothing is, or it cannot be reached. @default asks the disk */
  stat?: Stat;
}

type Stat = (path: string) => Promise<BigIntStats | null>;

/** A session whose place is known. */
interface Known {
  path: string;
  /** What its transcript was when it was last synced, and what the archive then said of it. */
  synced: { source: SourceToken; stored: SourceToken | null } | null;
}

/** @returns undefined if agentsview is not on the PATH, or cannot open this archive. */
export function findDelegate(
  archivePath: string,
  store: Store,
  options: DelegateOptions,
): Delegate | undefined {
  if (basename(archivePath) !== ARCHIVE_NAME) return undefined;
  const executable = findExecutable("agentsview", options.env, process.platform);
  return executable === null ? undefined : new Delegate(executable, dirname(archivePath), store, options);
}

export class Delegate implements Engine {
  readonly #executable: string;
  readonly #folder: string;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #env: NodeJS.ProcessEnv;
  readonly #deadlineMs: number;
  /** One for all transcripts: which folders are on a file system that hangs is not known, and it may take one thread only. */
  readonly #stat: Stat;
  readonly #guard: HangGuard;
  readonly #known = new Map<SessionId, Known>();
  readonly #closing = new AbortController();
  readonly #queue = new SerialQueue();
  #canSync = false;

  /** @param folder absolute: of the archive that `store` reads. */
  constructor(executable: string, folder: string, store: Store, options: DelegateOptions) {
    const { clock, env, deadlineMs = DEADLINE_MS, stat = diskStat } = options;
    this.#executable = executable;
    this.#folder = folder;
    this.#store = store;
    this.#clock = clock;
    this.#deadlineMs = deadlineMs;
    this.#stat = stat;
    this.#guard = new HangGuard(clock, () =>
      failed("Cannot read transcripts: their file system does not answer"),
    );
    this.#env = {
      ...env,
      AGENTSVIEW_DATA_DIR: folder,
      AGENT_VIEWER_DATA_DIR: folder,
      // Prevents it from starting a server. It still uses one that runs.
      AGENTSVIEW_NO_DAEMON: "1",
    };
  }

  /** One stat, once it is known where the transcript is. Null, too, where the archive does not say what was synced. */
  async sourceToken(id: SessionId): Promise<SourceToken | null> {
    const known = this.#known.get(id) ?? (await this.#find(id).catch(unknown));
    const token = known === null ? null : await this.#tokenAt(known.path).catch(unknown);
    // It has moved, is gone or not to be reached: the next look asks the archive for it again.
    if (token === null) this.#known.delete(id);
    const synced = known?.synced ?? null;
    // For some agents the stored time covers several files. If agentsview has synced the transcript as it is now, the
    // session is up to date, whatever time is stored.
    return synced?.source === token && synced !== null ? synced.stored : token;
  }

  /**
   * Waits for its turn: there is one process at a time.
   *
   * @throws WatchError `transcript_unreadable` if agentsview cannot do it or the transcript's folder does not answer,
   *   `archive_unavailable`.
   */
  async sync(id: SessionId): Promise<void> {
    try {
      await this.#queue.run(() => this.#syncNow(id));
    } catch (error) {
      // A sync that `close` cut off is no failure.
      if (!this.#closing.signal.aborted) throw error;
    }
  }

  /** Kills what is running; nothing is started from now on. */
  close(): void {
    this.#closing.abort();
  }

  async #syncNow(id: SessionId): Promise<void> {
    // Asked anew: by now it may be elsewhere, or in the trash.
    const known = await this.#find(id);
    const source = known === null ? null : await this.#tokenAt(known.path);
    if (known === null || source === null) return;
    await this.#checkVersion();
    // After "--", an id that begins with a dash is no option.
    const ended = await this.#ask(["session", "sync", "--", id]);
    if (ended.exitCode !== 0) throw failed(`agentsview ${endOf(ended)}${reasonIn(ended.stderr)}`);
    const stored = (await this.#store.states([id])).get(id)?.sourceToken ?? null;
    this.#known.set(id, { ...known, synced: { source, stored } });
  }

  async #checkVersion(): Promise<void> {
    if (this.#canSync) return;
    const ended = await this.#ask(["--version"]);
    if (ended.exitCode !== 0) throw failed(`agentsview --version ${endOf(ended)}${reasonIn(ended.stderr)}`);
    const [, major, minor] = /\bv(\d+)\.(\d+)/.exec(ended.stdout) ?? [];
    if (major !== undefined && isOlder([Number(major), Number(minor)], FIRST_VERSION)) {
      const needed = `v${FIRST_VERSION.join(".")}`;
      throw failed(`agentsview v${major}.${minor} cannot sync a single session; ${needed} or later can`);
    }
    // One that was built by hand has no number, and will know.
    this.#canSync = true;
  }

  async #ask(args: readonly string[]): Promise<Ended> {
    const { signal } = this.#closing;
    signal.throwIfAborted();
    try {
      return await run(this.#executable, args, {
        env: this.#env,
        cwd: this.#folder,
        clock: this.#clock,
        deadlineMs: this.#deadlineMs,
        signal,
      });
    } catch (error) {
      throw failed(`agentsview cannot be started: ${messageOf(error)}`, { cause: error });
    }
  }

  /** @returns null for a session that is not there (any more), or of which the archive does not tell enough. */
  async #find(id: SessionId): Promise<Known | null> {
    this.#known.delete(id);
    const [states, summary] = await Promise.all([this.#store.states([id]), this.#store.get(id)]);
    const path = summary?.["file_path"];
    if (typeof path !== "string" || path === "" || states.get(id)?.sourceToken == null) return null;
    const known = { path, synced: null };
    this.#known.set(id, known);
    return known;
  }

  /**
   * @returns the mtime in whole ms (Deno has no more), as stores of foreign archives return it; null if there is no such
   *   file.
   * @throws WatchError `transcript_unreadable` if the file system does not answer.
   */
  async #tokenAt(path: string): Promise<SourceToken | null> {
    const stats = await this.#guard.run(() => this.#stat(path), { deadlineMs: STAT_MS });
    return stats?.isFile() === true ? String(stats.mtimeNs / 1_000_000n) : null;
  }
}

/** While the archive cannot be read, the feed says so; the transcript's place, or its state, is just not known. */
function unknown(): null {
  return null;
}

async function diskStat(path: string): Promise<BigIntStats | null> {
  try {
    return await stat(path, { bigint: true });
  } catch {
    // Gone, or out of reach: there is nothing to be synced now.
    return null;
  }
}

function isOlder([major, minor]: readonly [number, number], than: readonly [number, number]): boolean {
  return major < than[0] || (major === than[0] && minor < than[1]);
}

function endOf({ exitCode, isLate }: Ended): string {
  if (isLate) return "took too long and was killed";
  return exitCode === null ? "was killed" : `failed with exit code ${exitCode}`;
}

/** @returns the line that says what went wrong: its log may come before that. */
function reasonIn(stderr: string): string {
  const lines = stderr.split("\n").map((line) => line.trim());
  const line = lines.find((text) => /^(fatal|error):/i.test(text)) ?? lines.find((text) => text !== "");
  // A URL may carry a password.
  return line === undefined ? "" : `: ${line.replaceAll(/:\/\/[^/\s]*@/g, "://***@").slice(0, REASON_MAX)}`;
}

function failed(message: string, options?: ErrorOptions): WatchError {
  return new WatchError("transcript_unreadable", message, options);
}
