/** Copies transcripts into the archive, each in one transaction, and remembers what it has read last. */

import { pause } from "../../async/abortable.ts";
import type { SessionId } from "../../session/session.ts";
import type { SyncedTranscript } from "../../watch/archive.ts";
import type { Transcript } from "../discovery/transcript.ts";
import type { SourceTools } from "../sources/source.ts";
import { TranscriptCopy } from "./copy.ts";
import type { Copied } from "./copy.ts";
import { UnfinishedLines } from "./unfinished.ts";
import { VanishedError } from "./unreadable.ts";

/** Bun drops a notification that follows another one of the same file within 2 ms. */
const UNSEEN_MS = 3;
/** What was read last is remembered of this many sessions. */
const REMEMBERED_MAX = 1000;

export class TranscriptCopier {
  readonly #tools: SourceTools;
  readonly #unfinished = new UnfinishedLines();
  readonly #last = new Map<SessionId, SyncedTranscript>();
  readonly #growth = new Map<SessionId, Promise<boolean>>();

  constructor(tools: SourceTools) {
    this.#tools = tools;
  }

  /** @returns what this process has read last of the session; null if it does not remember. */
  lastOf(id: SessionId): SyncedTranscript | null {
    return this.#last.get(id) ?? null;
  }

  /** @returns whether the transcript has changed since this process has read it. */
  isNews({ id, files }: Transcript): boolean {
    const last = this.lastOf(id);
    return (
      last !== null &&
      files.some(
        ({ path, token }) => !last.files.some((known) => known.path === path && known.token === token),
      )
    );
  }

  /**
   * @param synced what is known of the last sync.
   * @returns whether the archive has changed.
   * @throws WatchError `transcript_unreadable`, `archive_unavailable`.
   */
  async copy(
    transcript: Transcript,
    synced: SyncedTranscript | null,
    onRead: (bytes: number) => void = ignore,
  ): Promise<boolean> {
    const { archive, clock, runner } = this.#tools;
    const { id } = transcript;
    const startedMs = clock.now();
    const copy = new TranscriptCopy(transcript, { unfinished: this.#unfinished, onRead });
    let copied: Copied | null = null;
    try {
      await copy.open(synced);
      await archive.sync(id, async (transaction) => {
        if (!transaction.isOffLimits) copied = await copy.run(transaction);
      });
    } catch (error) {
      await copy.close();
      this.#last.delete(id);
      // The next look sees what is there.
      if (error instanceof VanishedError) return false;
      throw error;
    }
    if (copied === null) {
      await copy.close();
      this.#last.delete(id);
      return false;
    }
    const { malformedLines, files, revision }: Copied = copied;
    this.#remember(id, { files, revision });
    this.#growth.set(id, this.#hasGrown(id, copy, startedMs));
    runner.report({ id, path: transcript.files[0].path, malformedLines, tookMs: clock.now() - startedMs });
    return true;
  }

  /** @returns whether a transcript that was just copied has been written to since, which may not be notified. */
  async hasGrown(id: SessionId): Promise<boolean> {
    return (await this.#growth.get(id)) ?? false;
  }

  async #hasGrown(id: SessionId, copy: TranscriptCopy, startedMs: number): Promise<boolean> {
    const { clock } = this.#tools;
    try {
      await pause(Math.max(startedMs + UNSEEN_MS - clock.now(), 0), clock, NEVER);
      return await copy.hasGrown();
    } catch {
      // It has gone or does not answer: the next look finds out.
      return false;
    } finally {
      this.#growth.delete(id);
      await copy.close();
    }
  }

  #remember(id: SessionId, synced: SyncedTranscript): void {
    // The newest stand at the end.
    this.#last.delete(id);
    this.#last.set(id, synced);
    const [oldest] = this.#last.keys();
    if (this.#last.size > REMEMBERED_MAX && oldest !== undefined) this.#last.delete(oldest);
  }
}

const NEVER = new AbortController().signal;

function ignore(): void {}
