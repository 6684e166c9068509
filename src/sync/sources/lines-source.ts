/** Sessions in append-only files of lines: only what is new in them is read. */

import { resolve } from "node:path";
import type { LinesAgent, Surroundings } from "../../agents/agent.ts";
import type { SessionId, SourceToken } from "../../session/session.ts";
import { transcriptToken } from "../../watch/archive.ts";
import type { SyncedTranscript } from "../../watch/archive.ts";
import { TranscriptIndex } from "../discovery/transcript-index.ts";
import { lastWriteMs } from "../reading/transcript.ts";
import type { Transcript, TranscriptFile } from "../reading/transcript.ts";
import type { OpenFile } from "../reading/files.ts";
import { REMEMBERED_MAX, TranscriptCopier } from "./transcript-copier.ts";
import type { Behind, BehindTask, FoundSession, Source, SourceTools, SyncTask } from "./source.ts";

export class LinesSource implements Source {
  /** Where the transcripts are. */
  readonly index: TranscriptIndex;
  readonly #tools: SourceTools;
  readonly #copier: TranscriptCopier;
  readonly #noteUpToDate: (id: SessionId, token: SourceToken) => void;

  /** @param noteUpToDate is called when a session is found to be as it was synced. */
  constructor(
    agents: readonly LinesAgent[],
    surroundings: Surroundings,
    tools: SourceTools,
    noteUpToDate: (id: SessionId, token: SourceToken) => void,
  ) {
    const folders = agents.flatMap((agent) =>
      agent.roots(surroundings).map((path) => ({ agent, path: resolve(path) })),
    );
    this.index = new TranscriptIndex(folders, tools.files, tools.clock);
    this.#tools = tools;
    this.#copier = new TranscriptCopier(tools);
    this.#noteUpToDate = noteUpToDate;
  }

  /** Ids of Claude Code's sessions begin with no agent's name. */
  owns(id: SessionId): boolean {
    return !id.includes(":");
  }

  async find(id: SessionId): Promise<FoundSession | null> {
    const transcript = await this.#find(id);
    return transcript === null ? null : foundSession(transcript);
  }

  /** One stat per file of the transcript. */
  async token(id: SessionId): Promise<SourceToken | null> {
    const transcript = await this.#find(id);
    return transcript === null ? null : transcriptToken(transcript.files);
  }

  async list(): ReturnType<Source["list"]> {
    const { transcripts, failures } = await this.index.all();
    return { sessions: transcripts.map(foundSession), failures };
  }

  async behind(): Promise<Behind> {
    const { transcripts, failures } = await this.index.all();
    return { ...(await this.#notSynced(transcripts)), failures };
  }

  /**
   * @param folders roots' paths, or paths in roots; a path that is no folder holds nothing.
   * @throws WatchError `transcript_unreadable` if a root does not answer, `archive_unavailable`.
   */
  async behindIn(folders: readonly string[]): Promise<Behind> {
    const { transcripts, failures } = await this.index.in(folders);
    return { ...(await this.#notSynced(transcripts)), failures };
  }

  /** Files are open during a sync only. */
  close(): void {}

  /** The sync of the session that has this file, without a search for it. */
  taskOf(file: TranscriptFile): SyncTask {
    return {
      id: file.place.id,
      path: file.path,
      run: () => {
        this.index.learn(file);
        return this.sync(file.place.id);
      },
      runNotified: () => {
        this.index.learn(file);
        return this.#tools.runner.run(file.place.id, () => this.#syncNotified(file.place.id));
      },
      hasGrown: () => this.#copier.hasGrown(file.place.id),
    };
  }

  sync(id: SessionId): Promise<boolean> {
    return this.#tools.runner.run(id, () => this.#syncNow(id));
  }

  async #syncNow(id: SessionId): Promise<boolean> {
    const transcript = await this.index.look(id);
    if (transcript === null) return false;
    const isNew = this.#copier.isNews(transcript);
    // A transcript that changed since this process read it needs no query: the transaction looks again.
    const synced = isNew ? this.#copier.lastOf(id) : await this.#tools.archive.source(id);
    return await this.#syncFrom(transcript, synced);
  }

  /** Trusts what this process remembers of the archive: the next full look compares with the archive itself. */
  async #syncNotified(id: SessionId): Promise<boolean> {
    const found = await this.#copier.openAgain(id, this.index.known(id));
    if (found === null) return await this.#syncNow(id);
    const { transcript, opened } = found;
    if (this.#copier.isNews(transcript))
      return await this.#copy(transcript, this.#copier.lastOf(id), { opened });
    await opened.close();
    this.#noteUpToDate(id, transcriptToken(transcript.files));
    return false;
  }

  async #copy(
    transcript: Transcript,
    synced: SyncedTranscript | null,
    options: { onRead?: (bytes: number) => void; opened?: OpenFile },
  ): Promise<boolean> {
    const { id } = transcript;
    const changed = await this.#copier.copy(transcript, synced, options);
    const last = this.#copier.lastOf(id);
    if (changed && last !== null) this.#noteUpToDate(id, transcriptToken(last.files));
    return changed;
  }

  /** @returns the session's transcript; null while there is none. */
  async #find(id: SessionId): Promise<Transcript | null> {
    const known = await this.index.look(id);
    if (known !== null) return known;
    this.#learn(await this.#tools.archive.source(id));
    return await this.index.find(id);
  }

  async #notSynced(found: readonly Transcript[]): Promise<Pick<Behind, "tasks" | "leftAlone">> {
    if (found.length === 0) return { tasks: [], leftAlone: 0 };
    const { archive } = this.#tools;
    const synced = await archive.syncedTranscripts();
    this.#rememberNewest(found, synced);
    const differing = found
      .map((transcript) => ({ transcript, synced: synced.get(transcript.id) ?? null }))
      .filter((behind) => !isSynced(behind.transcript, behind.synced));
    if (differing.length === 0) return { tasks: [], leftAlone: 0 };
    // One query for all: one for each would cost as much as a sync.
    const offLimits = await archive.offLimits(differing.map(({ transcript }) => transcript.id));
    const tasks = differing
      .filter(({ transcript }) => !offLimits.has(transcript.id))
      .map(({ transcript, synced }) => this.#behindTask(transcript, synced))
      .sort((a, b) => b.writtenMs - a.writtenMs);
    return { tasks, leftAlone: differing.length - tasks.length };
  }

  /** The most recent sessions are those that will change. */
  #rememberNewest(found: readonly Transcript[], synced: ReadonlyMap<SessionId, SyncedTranscript>): void {
    const newest = found.toSorted((a, b) => lastWriteMs(a) - lastWriteMs(b)).slice(-REMEMBERED_MAX / 2);
    for (const transcript of newest) {
      const known = synced.get(transcript.id);
      if (known !== undefined && isSynced(transcript, known)) this.#copier.remember(transcript.id, known);
    }
  }

  #behindTask(transcript: Transcript, synced: SyncedTranscript | null): BehindTask & { id: SessionId } {
    const { id, files } = transcript;
    return {
      id,
      path: files[0].path,
      bytes: newBytes(transcript, synced),
      writtenMs: lastWriteMs(transcript),
      run: (onRead) => this.#tools.runner.run(id, () => this.#syncFrom(transcript, synced, onRead)),
    };
  }

  /** Where a session's files were at its last sync is where they most likely are. */
  #learn(synced: SyncedTranscript | null): void {
    for (const { path } of synced?.files ?? []) {
      const file = this.index.at(path);
      if (file !== null) this.index.learn(file);
    }
  }

  /** @param synced the last sync, as far as it is known; the transaction looks again. */
  async #syncFrom(
    found: Transcript,
    synced: SyncedTranscript | null,
    onRead?: (bytes: number) => void,
  ): Promise<boolean> {
    let transcript: Transcript | null = found;
    if (isSynced(transcript, synced)) {
      this.#noteUpToDate(found.id, transcriptToken(found.files));
      if (synced !== null) this.#copier.remember(found.id, synced);
      return false;
    }
    if (synced?.files.some(({ path }) => !found.files.some((file) => file.path === path)) === true) {
      // Synced from another place before: that may still be the better one, or hold a part that is not known here yet.
      this.#learn(synced);
      transcript = await this.index.look(found.id);
      if (transcript === null || isSynced(transcript, synced)) return false;
    }
    return await this.#copy(transcript, synced, onRead === undefined ? {} : { onRead });
  }
}

function foundSession(transcript: Transcript): FoundSession {
  const { id, files } = transcript;
  return { id, isSubagent: files[0].place.isSubagent, writtenMs: lastWriteMs(transcript) };
}

/** @returns whether the transcript is on disk as it was when it was synced. */
function isSynced({ files }: Transcript, synced: SyncedTranscript | null): boolean {
  return (
    synced?.revision === files[0].root.agent.revision &&
    synced.files.length === files.length &&
    files.every(({ path, token }, index) => {
      const known = synced.files[index];
      return known?.path === path && known.token === token;
    })
  );
}

function newBytes({ files }: Transcript, synced: SyncedTranscript | null): number {
  return files.reduce((sum, { path, stats }) => {
    const size = Number(stats.size);
    const offset = synced?.files.find((known) => known.path === path)?.offset ?? 0;
    return sum + (offset < size ? size - offset : size);
  }, 0);
}
