/** Copies transcripts into the archive, each in one transaction, and remembers how far it has read. */

import { pause } from "../../async/abortable.ts";
import type { SessionId } from "../../session/session.ts";
import type { SyncedTranscript } from "../../watch/archive.ts";
import type { Transcript, TranscriptFile } from "../reading/transcript.ts";
import type { SourceTools } from "./source.ts";
import { TranscriptCopy } from "../reading/copy.ts";
import type { Copied } from "../reading/copy.ts";
import { tokenOf } from "../reading/files.ts";
import type { OpenFile } from "../reading/files.ts";
import { UnfinishedLines } from "../reading/unfinished.ts";
import { VanishedError } from "../reading/unreadable.ts";

/** Bun drops a notification that follows another one of the same file within 2 ms. */
const UNSEEN_MS = 3;
/** This many sessions are remembered as they were read last. */
export const REMEMBERED_MAX = 1000;

/** A transcript of one file, which is open. */
export interface OpenedTranscript {
  transcript: Transcript;
  opened: OpenFile;
}

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
   * @param synced the last sync, as far as it is known.
   * @returns whether the archive has changed.
   * @throws WatchError `transcript_unreadable`, `archive_unavailable`.
   */
  async copy(
    transcript: Transcript,
    synced: SyncedTranscript | null,
    { onRead = ignore, opened }: { onRead?: (bytes: number) => void; opened?: OpenFile } = {},
  ): Promise<boolean> {
    const { archive, clock, runner } = this.#tools;
    const { id } = transcript;
    const startedMs = clock.now();
    const copy = new TranscriptCopy(transcript, {
      unfinished: this.#unfinished,
      onRead,
      ...(opened === undefined ? {} : { opened }),
    });
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
    this.remember(id, { files, revision });
    const look = this.#hasGrown(copy, startedMs).finally(() => {
      // A newer look may have taken its place.
      if (this.#growth.get(id) === look) this.#growth.delete(id);
    });
    this.#growth.set(id, look);
    runner.report({ id, path: transcript.files[0].path, malformedLines, tookMs: clock.now() - startedMs });
    return true;
  }

  /**
   * Opens a transcript of one plain file that this process has read before: one stat tells what is new in it, and of
   * which file.
   *
   * @returns null where that is not possible, so that the session has to be looked for.
   */
  async openAgain(id: SessionId, known: readonly TranscriptFile[]): Promise<OpenedTranscript | null> {
    const [file, ...others] = known;
    const last = this.lastOf(id);
    if (file === undefined || others.length > 0 || file.place.compression !== null) return null;
    if (last?.revision !== file.root.agent.revision) return null;
    if (last.files.length !== 1 || last.files[0]?.path !== file.path) return null;
    let opened: OpenFile | undefined;
    try {
      opened = await file.root.files.open(file.path);
      const stats = await opened.stat({ bigint: true });
      if (stats.isFile()) {
        const found = { ...file, stats, token: tokenOf(stats) };
        return { transcript: { id, files: [found] }, opened };
      }
    } catch {
      // The file is gone or does not answer. The search that follows reports that.
    }
    await opened?.close();
    return null;
  }

  /** Notes how the archive has a session, so that the next change costs no question. */
  remember(id: SessionId, { files, revision }: SyncedTranscript): void {
    // The newest stand at the end.
    this.#last.delete(id);
    this.#last.set(id, {
      files: files.map(({ path, token, offset }) => ({ path, token, offset })),
      revision,
    });
    const [oldest] = this.#last.keys();
    if (this.#last.size > REMEMBERED_MAX && oldest !== undefined) this.#last.delete(oldest);
  }

  /** @returns whether a transcript that was just copied has been written to since, which may not be notified. */
  async hasGrown(id: SessionId): Promise<boolean> {
    return (await this.#growth.get(id)) ?? false;
  }

  async #hasGrown(copy: TranscriptCopy, startedMs: number): Promise<boolean> {
    const { clock } = this.#tools;
    try {
      await pause(Math.max(startedMs + UNSEEN_MS - clock.now(), 0), clock, NEVER);
      return await copy.hasGrown();
    } catch {
      // It has gone or does not answer: the next look finds out.
      return false;
    } finally {
      await copy.close();
    }
  }
}

const NEVER = new AbortController().signal;

function ignore(): void {}
