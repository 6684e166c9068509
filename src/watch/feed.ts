/** The one thing in a process that notices changes and hands them to all subscribers. */

import { WatchError } from "../errors.ts";
import type { Mailbox } from "./mailbox.ts";
import { Outage } from "./outage.ts";
import type { Clock, Engine, Store } from "./ports.ts";
import { eventFor } from "./session.ts";
import type { SessionId, SessionState, SourceToken, Update, Version } from "./session.ts";
import { baseline, step } from "./step.ts";
import type { WatchState } from "./step.ts";
import type { Registration } from "./subscription.ts";

export interface FeedOptions {
  pollIntervalMs: number;
  syncDelayMs: number;
  /** A direct sync failed; it will be tried again. */
  onSyncError: (id: SessionId, error: unknown) => void;
}

/** A session that somebody follows. */
interface Watched {
  id: SessionId;
  row: SessionState | null;
  /** What its subscribers know; null until the first read of it is done. */
  state: WatchState | null;
  /** Everyone who subscribes before it is done waits for the same one. */
  firstRead: Promise<WatchState> | null;
  /** Those who follow it, and whether they are told of changes already. */
  mailboxes: Map<Mailbox, "joining" | "joined">;
  /** Its transcript is being looked at or synced: not to be done twice at once. */
  busy: boolean;
}

export class Feed {
  readonly #store: Store;
  readonly #engine: Engine | undefined;
  readonly #clock: Clock;
  readonly #options: FeedOptions;
  readonly #watched = new Map<SessionId, Watched>();
  readonly #outage: Outage;
  /** The archive's revision at the last batched read. */
  #revision: string | null = null;
  #lookWanted = false;
  #looking: Promise<void> | null = null;
  #cancelPoll: (() => void) | null = null;
  #cancelHints: (() => void) | null = null;

  constructor(store: Store, engine: Engine | undefined, clock: Clock, options: FeedOptions) {
    this.#store = store;
    this.#engine = engine;
    this.#clock = clock;
    this.#options = options;
    this.#outage = new Outage(options.pollIntervalMs);
  }

  /**
   * Registers `mailbox` for one session. A session that nobody follows yet is read at once, before anything
   * else can change it; of one that is followed, everything after what the feed knows is an update.
   */
  subscribe(id: SessionId, mailbox: Mailbox, since: Version | undefined): Registration {
    if (this.#watched.size === 0) this.#start();
    const watched = this.#watched.get(id) ?? newlyWatched(id);
    this.#watched.set(id, watched);
    watched.mailboxes.set(mailbox, since === undefined ? "joined" : "joining");
    return {
      ready: this.#join(watched, mailbox, since),
      leave: () => {
        watched.mailboxes.delete(mailbox);
        if (watched.mailboxes.size > 0 || this.#watched.get(id) !== watched) return;
        this.#watched.delete(id);
        if (this.#watched.size === 0) this.#stop();
      },
    };
  }

  /** Looks at the archive now, and again if a look is under way: hints are never lost and never pile up. */
  wake(): Promise<void> {
    this.#lookWanted = true;
    this.#looking ??= this.#look();
    return this.#looking;
  }

  async #readFirst(watched: Watched): Promise<WatchState> {
    // The archive is asked before anything is awaited: a change after this line is an update.
    const [revision, rows] = await Promise.all([this.#store.revision(), this.#store.states([watched.id])]);
    watched.row = rows.get(watched.id) ?? null;
    watched.state = baseline(watched.row);
    void this.#lookAtTranscript(watched);
    // A look that ran meanwhile had to pass this session by, and may have seen more than this read.
    if (revision !== this.#revision) this.#revision = null;
    void this.wake();
    return watched.state;
  }

  async #join(watched: Watched, mailbox: Mailbox, since: Version | undefined): Promise<SessionState | null> {
    let state = watched.state ?? (await (watched.firstRead ??= this.#readFirst(watched)));
    if (since !== undefined) {
      // Where caller and feed differ, either may be the one who is late.
      if (since !== state.version) await this.wake();
      state = watched.state ?? state;
      if (since !== state.version) mailbox.put(eventFor(watched.id, watched.row, this.#clock.now()));
      if (watched.mailboxes.has(mailbox)) watched.mailboxes.set(mailbox, "joined");
    } else if (watched.row === null) {
      throw new WatchError("session_not_found", `session not found: ${watched.id}`);
    }
    if (this.#outage.told !== null) mailbox.put(this.#outage.told);
    return watched.row;
  }

  #start(): void {
    this.#cancelHints = this.#store.onHint(() => void this.wake());
    this.#schedulePoll();
  }

  /** Nobody follows anything: no timer, no query. */
  #stop(): void {
    this.#cancelPoll?.();
    this.#cancelHints?.();
    this.#cancelPoll = null;
    this.#cancelHints = null;
    this.#revision = null;
    this.#outage.end();
  }

  #schedulePoll(): void {
    this.#cancelPoll?.();
    const pauseMs = this.#outage.retryMs ?? this.#options.pollIntervalMs;
    this.#cancelPoll = this.#clock.after(pauseMs, () => {
      this.#schedulePoll();
      void this.wake();
      for (const watched of this.#watched.values()) void this.#lookAtTranscript(watched);
    });
  }

  async #look(): Promise<void> {
    // Never done before `wake` has its promise; and hints of one moment become one look.
    await Promise.resolve();
    try {
      while (this.#lookWanted && this.#watched.size > 0) {
        this.#lookWanted = false;
        await this.#lookAtArchive();
      }
    } finally {
      this.#looking = null;
    }
  }

  /** One batched read for all that is followed, or none when the archive says that it has not changed. */
  async #lookAtArchive(): Promise<void> {
    let changed: Map<Watched, SessionState | null>;
    try {
      changed = await this.#readChanges();
    } catch (error) {
      this.#revision = null;
      const degraded = this.#outage.note(error, this.#clock.now());
      if (degraded !== null) this.#tellAll(degraded);
      if (this.#watched.size > 0) this.#schedulePoll();
      return;
    }
    const recovered = this.#outage.end();
    if (recovered !== null) this.#tellAll(recovered);
    for (const [watched, row] of changed) {
      watched.row = row;
      this.#decide(watched, undefined);
    }
  }

  async #readChanges(): Promise<Map<Watched, SessionState | null>> {
    const revision = await this.#store.revision();
    if (revision !== null && revision === this.#revision) return new Map();
    // Sessions that are still at their first read are left to it: this read may be older.
    const followed = [...this.#watched.values()].filter(({ state }) => state !== null);
    this.#revision = revision;
    const rows = await this.#store.states(followed.map(({ id }) => id));
    return new Map(followed.map((watched) => [watched, rows.get(watched.id) ?? null]));
  }

  /** Runs beside the looks at the archive, so that a slow transcript or file system delays no other session. */
  async #lookAtTranscript(watched: Watched): Promise<void> {
    if (this.#engine === undefined || watched.state === null || watched.busy) return;
    watched.busy = true;
    try {
      const source = await this.#engine.sourceToken(watched.id);
      if (this.#decide(watched, source) !== "sync") return;
      await this.#engine.sync(watched.id);
      await this.wake();
    } catch (error) {
      this.#options.onSyncError(watched.id, error);
    } finally {
      watched.busy = false;
    }
  }

  #decide(watched: Watched, source: SourceToken | null | undefined): "emit" | "sync" | "wait" {
    if (watched.state === null) return "wait";
    const nowMs = this.#clock.now();
    const { action, state } = step(
      watched.state,
      { nowMs, row: watched.row, source },
      this.#options.syncDelayMs,
    );
    watched.state = state;
    if (action === "emit") tell(watched, eventFor(watched.id, watched.row, nowMs));
    return action;
  }

  #tellAll(update: Update): void {
    for (const watched of this.#watched.values()) tell(watched, update);
  }
}

function newlyWatched(id: SessionId): Watched {
  return { id, row: null, state: null, firstRead: null, mailboxes: new Map(), busy: false };
}

/** The same object goes to everyone, so that it can be encoded once. */
function tell(watched: Watched, update: Update): void {
  for (const [mailbox, stage] of watched.mailboxes) if (stage === "joined") mailbox.put(update);
}
