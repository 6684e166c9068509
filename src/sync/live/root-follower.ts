/** Keeps everything under one root in sync. */

import { join } from "node:path";
import type { Clock } from "../../async/clock.ts";
import type { SessionId } from "../../session/session.ts";
import type { Attempts } from "./attempts.ts";
import type { LinesSource } from "../sources/lines-source.ts";
import type { BehindTask } from "../sources/source.ts";
import { FolderWatch } from "./folder-watch.ts";
import type { FollowTools, Follower } from "./follower.ts";
import type { Root, TranscriptFile } from "../reading/transcript.ts";

/** Every poll looks at transcripts that changed within this time (ms). */
const RECENT_MS = 10 * 60_000;
/**
 * How often (ms) to look at every transcript, to find changes that notifications lost. Less often where a look would
 * take more than this share of the time, but at least every `RARE_LOOK_MS`.
 */
const FULL_LOOK_MS = 60_000;
const FULL_LOOK_SHARE = 1 / 1000;
const RARE_LOOK_MS = 5 * 60_000;
/** Without notifications, every poll looks at every transcript, up to this share of the time. */
const POLLED_LOOK_SHARE = 1 / 20;
/** When more places than this have changed at once, the whole root is looked at instead. */
const MAX_PLACES = 64;

interface Recent {
  file: TranscriptFile;
  changedMs: number;
}

export class RootFollower implements Follower {
  readonly name: string;
  waiting = 0;
  readonly #source: LinesSource;
  readonly #attempts: Attempts;
  readonly #clock: Clock;
  readonly #watch: FolderWatch;
  readonly #recent = new Map<SessionId, Recent>();
  /** Notified paths that are no transcripts: they may be folders of transcripts. */
  #hinted = new Set<string>();
  #isLookingAtHinted = false;
  /** Places to look at again: files in a new folder may be written before its notifications are on. */
  #lookAgain = new Set<string>();
  #fullLook = { endedMs: -Infinity, tookMs: 0 };

  constructor(root: Root, source: LinesSource, { attempts, clock, options }: FollowTools) {
    this.name = root.path;
    this.#source = source;
    this.#attempts = attempts;
    this.#clock = clock;
    this.#watch = new FolderWatch(root.path, clock, {
      recursive: true,
      watch: options.watch,
      token: () => source.index.folderToken(root.path),
      onHint: (name) => this.#hint(join(root.path, name)),
      onUncovered: (error) => options.onUncovered(root.path, error),
    });
  }

  async look(): Promise<void> {
    // If the root does not answer, this fails once, instead of each of its transcripts.
    const isNew = await this.#watch.arm();
    if (!this.#watch.isThere) return;
    if (isNew || this.#isFullLookDue()) return await this.#lookAtAll();
    const again = this.#lookAgain;
    this.#lookAgain = new Set();
    await this.#syncAll(await this.#behind(again));
    for (const [id, { file, changedMs }] of this.#recent) {
      if (this.#clock.now() - changedMs > RECENT_MS) this.#recent.delete(id);
      else if (this.#attempts.isDue(id)) await this.#sync(file, this.#clock.now());
    }
  }

  close(): void {
    this.#watch.close();
  }

  #isFullLookDue(): boolean {
    const { endedMs, tookMs } = this.#fullLook;
    const pauseMs = this.#watch.isCovered
      ? Math.min(Math.max(tookMs / FULL_LOOK_SHARE, FULL_LOOK_MS), RARE_LOOK_MS)
      : Math.min(tookMs / POLLED_LOOK_SHARE, FULL_LOOK_MS);
    return this.#clock.now() >= endedMs + pauseMs;
  }

  async #lookAtAll(): Promise<void> {
    const startedMs = this.#clock.now();
    this.#lookAgain.clear();
    const behind = await this.#behindIn([this.name]);
    const tookMs = this.#clock.now() - startedMs;
    await this.#syncAll(behind);
    this.#fullLook = { endedMs: this.#clock.now(), tookMs };
  }

  #hint(path: string): void {
    const file = this.#source.index.at(path);
    if (file !== null) {
      void this.#noteChange(file, this.#clock.now(), this.#attempts.hinted(this.#source.taskOf(file)));
      return;
    }
    this.#hinted.add(path);
    void this.#lookAtHinted();
  }

  /** One look at a time; paths that are notified meanwhile share the next one. */
  async #lookAtHinted(): Promise<void> {
    if (this.#isLookingAtHinted) return;
    this.#isLookingAtHinted = true;
    while (this.#hinted.size > 0) {
      const hinted = this.#hinted;
      this.#hinted = new Set();
      for (const path of hinted) this.#lookAgain.add(path);
      try {
        // Not awaited: a large new folder must not delay others.
        void this.#syncAll(await this.#behind(hinted));
      } catch (error) {
        this.#attempts.failed({ id: null, path: this.name, error });
      }
    }
    this.#isLookingAtHinted = false;
  }

  async #behind(places: ReadonlySet<string>): Promise<BehindTask[]> {
    return await this.#behindIn(places.size > MAX_PLACES ? [this.name] : [...places]);
  }

  async #behindIn(folders: readonly string[]): Promise<BehindTask[]> {
    const { tasks, failures } = await this.#source.behindIn(folders);
    for (const failure of failures) this.#attempts.failed({ id: null, ...failure });
    return tasks;
  }

  /** One after the other, so that a change that is notified meanwhile comes next. */
  async #syncAll(behind: readonly BehindTask[]): Promise<void> {
    this.waiting += behind.length;
    for (const { id, path, writtenMs } of behind) {
      this.waiting -= 1;
      const file = this.#source.index.at(path);
      if (file !== null && this.#attempts.isDue(id ?? path))
        await this.#sync(file, Math.min(writtenMs, this.#clock.now()));
    }
  }

  async #sync(file: TranscriptFile, changedMs: number): Promise<void> {
    await this.#noteChange(file, changedMs, this.#attempts.sync(this.#source.taskOf(file)));
  }

  /** A session that fails counts as recent, however old it is, so that polls retry it. */
  async #noteChange(file: TranscriptFile, changedMs: number, changed: Promise<boolean>): Promise<void> {
    const { id } = file.place;
    if (await changed) this.#recent.set(id, { file, changedMs });
    else if (this.#attempts.isFailing(id)) this.#recent.set(id, { file, changedMs: this.#clock.now() });
  }
}
