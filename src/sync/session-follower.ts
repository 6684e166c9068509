/** Keeps one session in sync: its folders are watched, nothing else is read. */

import { dirname, join } from "node:path";
import type { SessionId } from "../watch/session.ts";
import type { Attempts } from "./attempts.ts";
import type { SyncEngine } from "./engine.ts";
import { FolderWatch } from "./folder-watch.ts";
import type { Follower, FollowerOptions } from "./live.ts";

export class SessionFollower implements Follower {
  readonly name: SessionId;
  readonly #engine: SyncEngine;
  readonly #attempts: Attempts;
  readonly #options: FollowerOptions;
  readonly #watches = new Map<string, FolderWatch>();

  constructor(id: SessionId, engine: SyncEngine, attempts: Attempts, options: FollowerOptions) {
    this.name = id;
    this.#engine = engine;
    this.#attempts = attempts;
    this.#options = options;
  }

  async look(): Promise<void> {
    const transcript = await this.#engine.find(this.name);
    if (transcript === null) return;
    if (!this.#options.pollOnly)
      await this.#watch(new Set(transcript.files.map(({ path }) => dirname(path))));
    if (this.#attempts.isDue(this.name)) await this.#attempts.sync(transcript.files[0]);
  }

  close(): void {
    for (const watch of this.#watches.values()) watch.close();
  }

  async #watch(folders: ReadonlySet<string>): Promise<void> {
    for (const [folder, watch] of this.#watches) {
      if (folders.has(folder)) continue;
      watch.close();
      this.#watches.delete(folder);
    }
    for (const folder of folders) {
      const watch = this.#watches.get(folder) ?? this.#watchOf(folder);
      this.#watches.set(folder, watch);
      await watch.arm();
    }
  }

  #watchOf(folder: string): FolderWatch {
    return new FolderWatch(folder, {
      recursive: false,
      token: () => this.#engine.catalog.folderToken(folder),
      onHint: (name) => this.#hint(join(folder, name)),
      onUncovered: (error) => this.#options.onUncovered(folder, error),
    });
  }

  #hint(path: string): void {
    const file = this.#engine.catalog.at(path);
    if (file?.place.id === this.name) void this.#attempts.sync(file);
  }
}
