/** Keeps documents in sync: their folders are watched, and every poll stats the files. */

import { dirname } from "node:path";
import type { SessionId } from "../../session/session.ts";
import type { DocumentSource } from "../sources/document-source.ts";
import { FolderWatches } from "./folder-watches.ts";
import type { FollowTools, Follower } from "./follower.ts";

/** How often (ms) to ask in which folders documents may be. */
const SEARCH_MS = 60_000;

export class DocumentFollower implements Follower {
  readonly name: string;
  readonly waiting = 0;
  readonly #source: DocumentSource;
  readonly #tools: FollowTools;
  readonly #only: SessionId | null;
  readonly #watches: FolderWatches;
  #paths: ReadonlySet<string> = new Set();
  #nextSearchMs = 0;

  /** @param only the session to keep in sync; null for all of them. */
  constructor(name: string, source: DocumentSource, tools: FollowTools, only: SessionId | null) {
    this.name = name;
    this.#source = source;
    this.#tools = tools;
    this.#only = only;
    this.#watches = new FolderWatches(tools.clock, {
      ...tools.options,
      token: (folder) => source.folderToken(folder),
      onHint: (path) => this.#hint(path),
    });
  }

  async look(): Promise<void> {
    const nowMs = this.#tools.clock.now();
    if (nowMs >= this.#nextSearchMs || (this.#only !== null && this.#paths.size === 0)) {
      this.#nextSearchMs = nowMs + SEARCH_MS;
      this.#paths = await this.#search();
      // Notifications come first: what is written while the documents are compared is then not missed.
      await this.#watch();
      await this.#lookAtAll();
      return;
    }
    await this.#watch();
    for (const path of this.#paths) {
      const task = this.#source.taskOf(path);
      if (this.#tools.attempts.isDue(path) && (await this.#source.isNews(path)))
        await this.#tools.attempts.sync(task);
    }
  }

  close(): void {
    this.#watches.close();
  }

  async #watch(): Promise<void> {
    await this.#watches.watch(new Set([...this.#paths].map((path) => dirname(path))));
  }

  /** Compares with the archive: another process may have synced them, or the archive may have been replaced. */
  async #lookAtAll(): Promise<void> {
    const { attempts } = this.#tools;
    const { tasks, failures } = await this.#source.behindAt(this.#paths);
    for (const failure of failures) attempts.failed({ id: null, ...failure });
    for (const task of tasks) if (attempts.isDue(task.path)) await attempts.sync(task);
  }

  async #search(): Promise<ReadonlySet<string>> {
    if (this.#only === null) return await this.#source.paths();
    const path = await this.#source.pathOf(this.#only);
    return new Set(path === null ? [] : [path]);
  }

  #hint(path: string): void {
    if (this.#paths.has(path)) void this.#tools.attempts.hinted(this.#source.taskOf(path));
  }
}
