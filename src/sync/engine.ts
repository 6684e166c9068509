/** Brings the archive up to date with what agents have written. */

import pMap from "p-map";
import type { Clock } from "../async/clock.ts";
import type { Agent, Surroundings } from "../agents/agent.ts";
import type { SessionId, SourceToken } from "../session/session.ts";
import type { ArchiveWriting } from "../watch/archive.ts";
import type { Engine, SyncFigures } from "../watch/ports.ts";
import { diskFiles } from "./reading/files.ts";
import type { Files } from "./reading/files.ts";
import { DatabaseSource } from "./sources/database-source.ts";
import { DocumentSource } from "./sources/document-source.ts";
import { LinesSource } from "./sources/lines-source.ts";
import type { Unreadable } from "./reading/unreadable.ts";
import type { BehindTask, Failure, FoundSession, Source } from "./sources/source.ts";
import { SyncRunner } from "./sources/sync-runner.ts";
import type { Synced } from "./sources/sync-runner.ts";

/** This many syncs run at once: the archive takes them one by one, but commits those that wait together. */
const SYNCS_AT_ONCE = 4;

export interface EngineOptions {
  clock: Clock;
  /** @default the disk */
  files?: Files;
  /** How long (ms) `sourceToken` may reuse its last result. @default 0 */
  trustMs?: number;
}

/** How far a sync of everything is; only sessions that were behind when it began are counted. */
export interface Progress {
  /** Sessions or documents, however many files each consists of. */
  files: number;
  filesDone: number;
  bytes: number;
  bytesDone: number;
}

/** The result of a sync of everything. */
export interface SyncReport extends Progress {
  failures: Failure[];
  /** Sessions that are not synced, because they were deleted or are another machine's. */
  leftAlone: number;
}

export interface SyncAllOptions {
  /** Called after each piece that was read, and when a transcript is done; always with the same object. */
  onProgress?: (progress: Progress) => void;
}

export class SyncEngine implements Engine {
  readonly sources: readonly Source[];
  /** The source of transcripts in lines: it has the ids that no other source owns. */
  readonly lines: LinesSource;
  readonly documents: readonly DocumentSource[];
  readonly #archive: ArchiveWriting;
  readonly #runner: SyncRunner;
  readonly #clock: Clock;
  readonly #trustMs: number;
  /** Of sessions that `sourceToken` was asked for: when they were last found to be synced, and what their token was. */
  readonly #upToDate = new Map<SessionId, { atMs: number; token: SourceToken } | null>();

  constructor(
    archive: ArchiveWriting,
    agents: readonly Agent[],
    surroundings: Surroundings,
    options: EngineOptions,
  ) {
    const { clock, files = diskFiles, trustMs = 0 } = options;
    this.#archive = archive;
    this.#clock = clock;
    this.#trustMs = trustMs;
    this.#runner = new SyncRunner(clock);
    const tools = { archive, runner: this.#runner, files, clock };
    const noteUpToDate = (id: SessionId, token: SourceToken): void => this.#noteUpToDate(id, token);
    this.lines = new LinesSource(agents.filter(isOf("lines")), surroundings, tools, noteUpToDate);
    this.documents = agents
      .filter(isOf("document"))
      .map((agent) => new DocumentSource(agent, surroundings, tools));
    this.sources = [
      ...agents.filter(isOf("database")).map((agent) => new DatabaseSource(agent, surroundings, tools)),
      ...this.documents,
      this.lines,
    ];
  }

  get figures(): SyncFigures {
    return this.#runner.figures;
  }

  /** Calls `listener` after each commit. */
  onSynced(listener: (synced: Synced) => void): void {
    this.#runner.onSynced(listener);
  }

  /** Costs at most a stat once the place of the session is known; nothing if a follower has just looked. */
  async sourceToken(id: SessionId): Promise<SourceToken | null> {
    const seen = this.#upToDate.get(id) ?? null;
    if (seen !== null && this.#clock.now() - seen.atMs < this.#trustMs) return seen.token;
    const token = await this.sourceOf(id).token(id).catch(unreachable);
    // Clients can ask for any id: ids without a session are not remembered.
    if (token === null) this.#upToDate.delete(id);
    else this.#upToDate.set(id, null);
    return token;
  }

  /** @returns the session, where an agent keeps it; null while there is none. */
  find(id: SessionId): Promise<FoundSession | null> {
    return this.sourceOf(id).find(id);
  }

  /** Every session that agents keep, the newest first; and what could not be looked at. */
  async list(): Promise<{ sessions: FoundSession[]; failures: Unreadable[] }> {
    const lists = await Promise.all(this.sources.map((source) => source.list()));
    const sessions = lists.flatMap((list) => list.sessions).sort((a, b) => b.writtenMs - a.writtenMs);
    return { sessions, failures: lists.flatMap(({ failures }) => failures) };
  }

  /** @throws WatchError `archive_unavailable` */
  async isOffLimits(id: SessionId): Promise<boolean> {
    return (await this.#archive.offLimits([id])).has(id);
  }

  /** A session without a transcript is left as it is. @throws WatchError `transcript_unreadable`, `archive_unavailable`. */
  async sync(id: SessionId): Promise<void> {
    const source = this.sourceOf(id);
    if ((await source.find(id)) !== null) await source.sync(id);
  }

  /**
   * Syncs all sessions of a document.
   *
   * @returns the last one in it; null if no agent keeps sessions there.
   * @throws WatchError `transcript_unreadable`, `archive_unavailable`
   */
  async syncDocument(path: string): Promise<SessionId | null> {
    for (const source of this.documents) {
      if (!(await source.paths()).has(path)) continue;
      await source.taskOf(path).run();
      return source.lastIn(path);
    }
    return null;
  }

  /** Closes what sources keep open between syncs. */
  close(): void {
    for (const source of this.sources) source.close();
  }

  /**
   * Syncs everything that differs from what was synced; what cannot be read is reported, not thrown.
   *
   * @throws WatchError `archive_unavailable` if it cannot be told what was synced.
   */
  async syncAll(options: SyncAllOptions = {}): Promise<SyncReport> {
    const { onProgress = ignore } = options;
    const report: SyncReport = { files: 0, filesDone: 0, bytes: 0, bytesDone: 0, failures: [], leftAlone: 0 };
    const behind = await Promise.all(this.sources.map((source) => source.behind()));
    const tasks = behind.flatMap((part) => part.tasks).sort((a, b) => b.writtenMs - a.writtenMs);
    for (const { failures, leftAlone } of behind) {
      report.failures.push(...failures.map((failure) => ({ id: null, ...failure })));
      report.leftAlone += leftAlone;
    }
    report.files = tasks.length;
    report.bytes = tasks.reduce((sum, { bytes }) => sum + bytes, 0);
    await pMap(tasks, (task) => runCounted(task, report, onProgress), { concurrency: SYNCS_AT_ONCE });
    return report;
  }

  /** @returns where the session is, or would be. */
  sourceOf(id: SessionId): Source {
    return this.sources.find((source) => source.owns(id)) ?? this.lines;
  }

  #noteUpToDate(id: SessionId, token: SourceToken): void {
    if (this.#upToDate.has(id)) this.#upToDate.set(id, { atMs: this.#clock.now(), token });
  }
}

async function runCounted(
  task: BehindTask,
  report: SyncReport,
  onProgress: (progress: Progress) => void,
): Promise<void> {
  let leftBytes = task.bytes;
  const done = (read: number): void => {
    const counted = Math.min(read, leftBytes);
    leftBytes -= counted;
    report.bytesDone += counted;
    onProgress(report);
  };
  try {
    await task.run(done);
  } catch (error) {
    report.failures.push({ id: task.id, path: task.path, error });
  }
  report.filesDone += 1;
  done(leftBytes);
}

function isOf<K extends Agent["kind"]>(kind: K): (agent: Agent) => agent is Agent & { kind: K } {
  return (agent): agent is Agent & { kind: K } => agent.kind === kind;
}

/** The feed or a follower reports an archive or place that cannot be read; here the state is unknown. */
function unreachable(): null {
  return null;
}

function ignore(): void {}
