/** Sessions in an agent's own database: asked for what has changed, and then for the sessions that did. */

import type { BigIntStats } from "node:fs";
import { dirname, resolve } from "node:path";
import type { DatabaseAgent, Surroundings } from "../../agents/agent.ts";
import type { SessionId, SourceToken } from "../../session/session.ts";
import type { SyncedTranscript } from "../../watch/archive.ts";
import { AgentDatabase } from "../reading/agent-database.ts";
import type { Files } from "../reading/files.ts";
import { GuardedFiles } from "../reading/guarded-files.ts";
import { writeWhole } from "./whole-session.ts";
import type { Behind, FoundSession, Source, SourceTools, SyncTask } from "./source.ts";
import type { Unreadable } from "../reading/unreadable.ts";

/** One database file, and what was seen in it. */
export interface DatabasePlace {
  readonly path: string;
  readonly database: AgentDatabase;
  readonly files: Files;
  /** Of the database when its sessions were listed last; null if they never were. */
  revision: string | null;
  sessions: ReadonlyMap<SessionId, ListedSession>;
}

interface ListedSession {
  token: SourceToken;
  writtenMs: number;
  isSubagent: boolean;
}

export class DatabaseSource implements Source {
  readonly places: readonly DatabasePlace[];
  readonly #agent: DatabaseAgent;
  readonly #tools: SourceTools;

  constructor(agent: DatabaseAgent, surroundings: Surroundings, tools: SourceTools) {
    const { files, clock } = tools;
    const paths = new Set(agent.databases(surroundings).map((path) => resolve(path)));
    this.places = [...paths].map((path) => ({
      path,
      database: new AgentDatabase(path, clock),
      files: new GuardedFiles(files, clock, dirname(path)),
      revision: null,
      sessions: new Map(),
    }));
    this.#agent = agent;
    this.#tools = tools;
  }

  owns(id: SessionId): boolean {
    return id.startsWith(`${this.#agent.name}:`);
  }

  async find(id: SessionId): Promise<FoundSession | null> {
    for (const place of this.places) {
      const session = (await this.#listed(place)).get(id);
      if (session !== undefined) return foundSession(id, session);
    }
    return null;
  }

  async token(id: SessionId): Promise<SourceToken | null> {
    for (const place of this.places) {
      const session = (await this.#listed(place)).get(id);
      if (session !== undefined) return session.token;
    }
    return null;
  }

  async list(): ReturnType<Source["list"]> {
    const { found, failures } = await this.#all();
    return { sessions: found.map(({ id, session }) => foundSession(id, session)), failures };
  }

  async behind(): Promise<Behind> {
    const { found, failures } = await this.#all();
    if (found.length === 0) return { tasks: [], failures, leftAlone: 0 };
    const { archive } = this.#tools;
    const synced = await archive.syncedTranscripts();
    const differing = found.filter(({ id, session }) => !this.#isSynced(session, synced.get(id)));
    const offLimits = await archive.offLimits(differing.map(({ id }) => id));
    const tasks = differing
      .filter(({ id }) => !offLimits.has(id))
      .map(({ id, place, session }) => ({
        ...this.taskOf(id, place),
        bytes: 0,
        writtenMs: session.writtenMs,
      }));
    return { tasks, failures, leftAlone: differing.length - tasks.length };
  }

  async sync(id: SessionId): Promise<boolean> {
    for (const place of this.places)
      if ((await this.#listed(place)).has(id)) return await this.taskOf(id, place).run();
    return false;
  }

  /**
   * @returns the sessions that this place has, except those that an earlier place has, too.
   * @throws WatchError `transcript_unreadable`
   */
  async sessionsIn(place: DatabasePlace): Promise<DatabasePlace["sessions"]> {
    const sessions = await this.#listed(place);
    const earlier = this.places.slice(0, this.places.indexOf(place));
    if (earlier.every((other) => other.sessions.size === 0)) return sessions;
    return new Map([...sessions].filter(([id]) => !earlier.some((other) => other.sessions.has(id))));
  }

  /**
   * @param sessions as `sessionsIn` gave them.
   * @param only the one session to compare; null for all.
   * @returns the syncs of those that the archive has not as they are now.
   * @throws WatchError `archive_unavailable`
   */
  async behindIn(
    place: DatabasePlace,
    sessions: DatabasePlace["sessions"],
    only: SessionId | null,
  ): Promise<SyncTask[]> {
    const { archive } = this.#tools;
    if (only !== null) {
      const session = sessions.get(only);
      if (session === undefined) return [];
      const synced = await archive.source(only);
      return this.#isSynced(session, synced) ? [] : [this.taskOf(only, place)];
    }
    if (sessions.size === 0) return [];
    const synced = await archive.syncedTranscripts();
    const differing = [...sessions].filter(([id, session]) => !this.#isSynced(session, synced.get(id)));
    const offLimits = await archive.offLimits(differing.map(([id]) => id));
    return differing
      .filter(([id]) => !offLimits.has(id))
      .sort(([, one], [, other]) => other.writtenMs - one.writtenMs)
      .map(([id]) => this.taskOf(id, place));
  }

  #isSynced(session: ListedSession, synced: SyncedTranscript | null | undefined): boolean {
    return synced?.revision === this.#agent.revision && synced.files[0]?.token === session.token;
  }

  close(): void {
    for (const { database } of this.places) database.close();
  }

  /** The sync of one session in this place. */
  taskOf(id: SessionId, place: DatabasePlace): SyncTask {
    return {
      id,
      path: place.path,
      run: () => this.#tools.runner.rewrite(id, () => this.#syncNow(id, place)),
    };
  }

  async #syncNow(id: SessionId, { path, database, files }: DatabasePlace): Promise<boolean> {
    const file = await fileAt(files, path);
    if (file === null) return false;
    const { stats, identity } = file;
    // Token and content are of one moment.
    const read = await database.read(identity, (rows) => ({
      token: this.#agent.token(rows, id),
      session: this.#agent.read(rows, id),
    }));
    if (read.session === null || read.token === null) return false;
    const { revision } = this.#agent;
    return await writeWhole(read.session, { path, stats, token: read.token, revision }, this.#tools);
  }

  async #all(): Promise<{
    found: { id: SessionId; place: DatabasePlace; session: ListedSession }[];
    failures: Unreadable[];
  }> {
    const failures: Unreadable[] = [];
    const found = new Map<SessionId, { id: SessionId; place: DatabasePlace; session: ListedSession }>();
    for (const place of this.places) {
      try {
        for (const [id, session] of await this.#listed(place))
          if (!found.has(id)) found.set(id, { id, place, session });
      } catch (error) {
        failures.push({ path: place.path, error });
      }
    }
    return { found: [...found.values()], failures };
  }

  /** Lists the sessions if anything was committed since they were listed. @returns the same map if nothing was. */
  async #listed(place: DatabasePlace): Promise<DatabasePlace["sessions"]> {
    const { database, path } = place;
    const file = await fileAt(place.files, path);
    if (file === null) {
      database.close();
      place.revision = null;
      if (place.sessions.size > 0) place.sessions = new Map();
      return place.sessions;
    }
    const { identity } = file;
    // The revision is read first, so that a commit in between is seen again instead of missed.
    const revision = await database.revision(identity);
    if (revision === place.revision) return place.sessions;
    const sessions = await database.read(
      identity,
      (rows) => new Map(Iterator.from(this.#agent.sessions(rows)).map(({ id, ...session }) => [id, session])),
    );
    place.revision = revision;
    place.sessions = sessions;
    return sessions;
  }
}

/** A database file, and what tells it and its log from others at the same paths. */
interface DatabaseFile {
  stats: BigIntStats;
  identity: string;
}

/** A log that was replaced has to be opened anew, too: commits go past the old one. */
async function fileAt(files: Files, path: string): Promise<DatabaseFile | null> {
  const [stats, log] = await files.stats([path, `${path}-wal`]);
  if (stats?.isFile() !== true) return null;
  return { stats, identity: [stats, log].map((file) => (file ? `${file.dev}:${file.ino}` : "")).join(" ") };
}

function foundSession(id: SessionId, { isSubagent, writtenMs }: ListedSession): FoundSession {
  return { id, isSubagent, writtenMs };
}
