/** Sessions in documents that are read as a whole; one may hold many, and only those that differ are written. */

import { resolve } from "node:path";
import type { DocumentAgent, Surroundings, WholeSession, WrittenDocument } from "../../agents/agent.ts";
import { pause } from "../../async/abortable.ts";
import { WatchError } from "../../errors.ts";
import type { SessionId, SourceToken } from "../../session/session.ts";
import { tokenOf } from "../reading/files.ts";
import type { Files } from "../reading/files.ts";
import { GuardedFiles } from "../reading/guarded-files.ts";
import { unreadable } from "../reading/unreadable.ts";
import { IdSearches } from "./id-searches.ts";
import { hashOf, writeWhole } from "./whole-session.ts";
import type { Behind, FoundSession, Source, SourceTools, SyncTask } from "./source.ts";
import type { Unreadable } from "../reading/unreadable.ts";

/** This many project folders of the archive are looked into. */
const FOLDERS_MAX = 200;
/** A larger document (bytes) is not read. */
const DOCUMENT_MAX = 64 * 1024 * 1024;
/** A document that is being written is read once more after this long (ms). */
const REREAD_MS = 100;

/** A document as it was read last. */
interface KnownDocument {
  /** Of the file. */
  token: SourceToken;
  writtenMs: number;
  /** The digest of each session in it. */
  sessions: ReadonlyMap<SessionId, SourceToken>;
}

export class DocumentSource implements Source {
  readonly #agent: DocumentAgent;
  readonly #surroundings: Surroundings;
  readonly #tools: SourceTools;
  readonly #files: Files;
  readonly #known = new Map<string, KnownDocument>();
  /** What each file was when its sessions were written. */
  readonly #synced = new Map<string, SourceToken>();
  /** Per document: the tokens of its sessions in the archive. */
  readonly #inArchive = new Map<string, Map<SessionId, SourceToken>>();
  readonly #searches = new IdSearches();

  constructor(agent: DocumentAgent, surroundings: Surroundings, tools: SourceTools) {
    this.#agent = agent;
    this.#surroundings = surroundings;
    this.#tools = tools;
    this.#files = new GuardedFiles(tools.files, tools.clock, "a project's folder");
  }

  /** The agent's name. */
  get name(): string {
    return this.#agent.name;
  }

  owns(id: SessionId): boolean {
    return id.startsWith(`${this.#agent.name}:`);
  }

  async find(id: SessionId): Promise<FoundSession | null> {
    const known = this.#documentOf(id) ?? (await this.#searchFor(id));
    return known === null ? null : { id, isSubagent: false, writtenMs: known.document.writtenMs };
  }

  async token(id: SessionId): Promise<SourceToken | null> {
    const known = this.#documentOf(id) ?? (await this.#searchFor(id));
    if (known === null) return null;
    await this.#read(known.path);
    return this.#known.get(known.path)?.sessions.get(id) ?? null;
  }

  async list(): ReturnType<Source["list"]> {
    const failures = await this.#readAll(await this.paths());
    const sessions = [...this.#known.values()].flatMap(({ sessions, writtenMs }) =>
      [...sessions.keys()].map((id) => ({ id, isSubagent: false, writtenMs })),
    );
    return { sessions, failures };
  }

  async behind(): Promise<Behind> {
    return await this.behindAt(await this.paths());
  }

  /**
   * @returns the syncs of those documents with a session that the archive has otherwise, and what could not be read.
   * @throws WatchError `archive_unavailable`
   */
  async behindAt(paths: ReadonlySet<string>): Promise<Behind> {
    const failures = await this.#readAll(paths);
    const documents = [...paths].flatMap((path) => {
      const document = this.#known.get(path);
      return document === undefined ? [] : [{ path, document }];
    });
    if (documents.length === 0) return { tasks: [], failures, leftAlone: 0 };
    const { archive } = this.#tools;
    const synced = await archive.syncedTranscripts();
    const compared = documents.map(({ path, document }) => {
      const isSynced = ([id, token]: [SessionId, SourceToken]): boolean =>
        synced.get(id)?.files[0]?.token === token && synced.get(id)?.revision === this.#agent.revision;
      const { true: same = [], false: differing = [] } = Object.groupBy([...document.sessions], (session) =>
        isSynced(session) ? "true" : "false",
      );
      this.#inArchive.set(path, new Map(same));
      return { path, document, ids: differing.map(([id]) => id) };
    });
    const differing = compared.flatMap(({ ids }) => ids);
    const offLimits = differing.length === 0 ? new Set() : await archive.offLimits(differing);
    const tasks: Behind["tasks"] = [];
    for (const { path, document, ids } of compared) {
      if (ids.every((id) => offLimits.has(id))) this.#synced.set(path, document.token);
      else tasks.push({ ...this.taskOf(path), bytes: 0, writtenMs: document.writtenMs });
    }
    return { tasks, failures, leftAlone: offLimits.size };
  }

  async sync(id: SessionId): Promise<boolean> {
    const known = this.#documentOf(id) ?? (await this.#searchFor(id));
    if (known === null) return false;
    // The archive may have lost the session, or may be another one.
    this.#inArchive.get(known.path)?.delete(id);
    return await this.taskOf(known.path).run();
  }

  /** Nothing is kept open. */
  close(): void {}

  /** Looks where documents may be, which changes with the projects that the archive knows. */
  async paths(): Promise<ReadonlySet<string>> {
    const folders = await this.#tools.archive.projectFolders(FOLDERS_MAX);
    const known = [...(this.#surroundings.folders ?? []), ...folders];
    const documents = this.#agent.documents({ ...this.#surroundings, folders: known });
    const paths = new Set(documents.map((path) => resolve(path)));
    for (const map of [this.#known, this.#synced, this.#inArchive])
      for (const path of map.keys()) if (!paths.has(path)) map.delete(path);
    return paths;
  }

  /** @returns the document that has the session; null if none is known. */
  async pathOf(id: SessionId): Promise<string | null> {
    return (this.#documentOf(id) ?? (await this.#searchFor(id)))?.path ?? null;
  }

  /** @returns the last session in a document that was read; null if there is none. */
  lastIn(path: string): SessionId | null {
    return [...(this.#known.get(path)?.sessions.keys() ?? [])].at(-1) ?? null;
  }

  /** @returns a token of the folder of a document; null if there is none. */
  async folderToken(folder: string): Promise<string | null> {
    const [stats] = await this.#files.stats([folder]);
    return stats?.isDirectory() === true ? `${stats.dev}:${stats.ino}:${stats.birthtimeNs}` : null;
  }

  /** One stat. @returns whether the document is not as it was read last. */
  async isNews(path: string): Promise<boolean> {
    const [stats] = await this.#files.stats([path]);
    if (stats?.isFile() !== true) return false;
    return this.#synced.get(path) !== tokenOf(stats);
  }

  /** The sync of all sessions in a document. */
  taskOf(path: string): SyncTask {
    return { id: null, path, run: () => this.#tools.runner.rewrite(path, () => this.#syncNow(path)) };
  }

  /** A failed write does not stop the others. */
  async #syncNow(path: string): Promise<boolean> {
    const read = await this.#read(path, true);
    if (read === null) return false;
    const inArchive = this.#inArchive.get(path) ?? new Map<SessionId, SourceToken>();
    this.#inArchive.set(path, inArchive);
    const failures: unknown[] = [];
    let changed = false;
    for (const { session, token } of read.sessions) {
      if (inArchive.get(session.id) === token) continue;
      const source = { path, stats: read.stats, token, revision: this.#agent.revision };
      try {
        if (await writeWhole(session, source, this.#tools)) changed = true;
        // Sessions that are left alone, too: they are tried again when they change.
        inArchive.set(session.id, token);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    this.#synced.set(path, tokenOf(read.stats));
    return changed;
  }

  #documentOf(id: SessionId): { path: string; document: KnownDocument } | null {
    for (const [path, document] of this.#known) if (document.sessions.has(id)) return { path, document };
    return null;
  }

  async #searchFor(id: SessionId): Promise<{ path: string; document: KnownDocument } | null> {
    if (!this.#searches.begin(id, this.#tools.clock.now())) return null;
    await this.#readAll(await this.paths());
    const found = this.#documentOf(id);
    if (found !== null) this.#searches.found(id);
    return found;
  }

  async #readAll(paths: ReadonlySet<string>): Promise<Unreadable[]> {
    const failures: Unreadable[] = [];
    for (const path of paths) {
      try {
        await this.#read(path);
      } catch (error) {
        failures.push({ path, error });
      }
    }
    return failures;
  }

  /**
   * One stat if the file is as it was read.
   *
   * @param isForced read it all the same.
   * @returns what it holds; null if it was not read.
   * @throws WatchError `transcript_unreadable`
   */
  async #read(path: string, isForced = false) {
    const [stats] = await this.#files.stats([path]);
    if (stats?.isFile() !== true) {
      this.#known.delete(path);
      return null;
    }
    const token = tokenOf(stats);
    if (!isForced && this.#known.get(path)?.token === token) return null;
    if (stats.size > DOCUMENT_MAX)
      throw new WatchError(
        "transcript_unreadable",
        `Cannot read document ${JSON.stringify(path)}: it is too large`,
      );
    const writtenMs = Number(stats.mtimeNs / 1_000_000n);
    const sessions = (await this.#parsed({ path, writtenMs })).map((session) => ({
      session,
      token: digestOf(session),
    }));
    const digests = new Map(sessions.map(({ session: { id }, token }) => [id, token]));
    this.#known.set(path, { token, writtenMs, sessions: digests });
    return { stats, sessions };
  }

  async #parsed(document: WrittenDocument): Promise<WholeSession[]> {
    const { path } = document;
    try {
      return this.#agent.read(await this.#text(path), document);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw unreadable(path, error, "document");
    }
    await pause(REREAD_MS, this.#tools.clock, NEVER);
    try {
      return this.#agent.read(await this.#text(path), document);
    } catch (error) {
      throw unreadable(path, error, "document");
    }
  }

  async #text(path: string): Promise<string> {
    const file = await this.#files.open(path);
    try {
      const { size } = await file.stat({ bigint: true });
      const bytes = new Uint8Array(Math.min(Number(size), DOCUMENT_MAX));
      let length = 0;
      while (length < bytes.length) {
        const { bytesRead } = await file.read(bytes, length, bytes.length - length, length);
        if (bytesRead === 0) break;
        length += bytesRead;
      }
      return new TextDecoder().decode(bytes.subarray(0, length));
    } finally {
      await file.close();
    }
  }
}

const NEVER = new AbortController().signal;

function digestOf({ facts, entries }: WholeSession): SourceToken {
  return hashOf(JSON.stringify([facts, entries]));
}
