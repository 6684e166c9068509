/** A home in which transcripts are written, moved and lost, and an archive that is synced with it now and then. */

import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "bun:test";
import fc from "fast-check";
import type { LinesAgent } from "../../src/agents/agent.ts";
import type { ArchiveWriting } from "../../src/watch/archive.ts";
import { expectSameImage, imageOf } from "./archive-image.ts";
import type { Image } from "./archive-image.ts";
import { hurriedClock } from "./clock.ts";
import { SyncedArchive } from "./synced.ts";
import { Workspace } from "./workspace.ts";

/** How the engine comes to look at a file: as it was told, for its session, in a search of everything, not at all. */
export interface Look {
  by: "file" | "session" | "search" | "nobody";
  /** The program was restarted before. */
  restarts: boolean;
}

export const looks: fc.Arbitrary<Look> = fc.record({
  by: fc.oneof(
    { weight: 4, arbitrary: fc.constant("file" as const) },
    fc.constantFrom("session" as const, "search" as const, "nobody" as const),
  ),
  restarts: fc.boolean(),
});

/** An archive that the home is synced into. */
export interface Destination {
  writing: ArchiveWriting;
  image: () => Promise<Image>;
}

/** Paths are relative to the home. */
export class FollowedHome implements AsyncDisposable {
  readonly synced: SyncedArchive;
  readonly #workspace = new Workspace();
  readonly #image: () => Promise<Image>;
  #seconds = Date.UTC(2026, 0, 1) / 1000;

  /** @param into what it is compared with is always an import into SQLite. @default an archive of its own in SQLite */
  constructor(agent: LinesAgent, into?: Destination) {
    this.synced = new SyncedArchive(this.#workspace.path("followed.db"), this.#workspace.home, {
      agent,
      clock: hurriedClock,
      folder: "home",
      ...(into === undefined ? {} : { into: into.writing }),
    });
    this.#image = into?.image ?? (async () => imageOf(this.synced.path));
  }

  has(path: string): boolean {
    return existsSync(this.#at(path));
  }

  read(path: string): Buffer {
    return readFileSync(this.#at(path));
  }

  append(path: string, bytes: Uint8Array): void {
    appendFileSync(this.#made(path), bytes);
    this.touch(path);
  }

  /** In place: the file stays the same one. */
  write(path: string, bytes: Uint8Array): void {
    writeFileSync(this.#made(path), bytes);
    this.touch(path);
  }

  /** By rename, as careful writers do: another file takes its place. */
  replace(path: string, bytes: Uint8Array): void {
    this.write("new", bytes);
    this.move("new", path);
  }

  move(from: string, to: string): void {
    renameSync(this.#at(from), this.#made(to));
  }

  remove(path: string): void {
    rmSync(this.#at(path));
  }

  /** Two changes within one millisecond that keep the size are beyond what can be seen: each gets its own second. */
  touch(path: string): void {
    this.#seconds += 1;
    utimesSync(this.#at(path), this.#seconds, this.#seconds);
  }

  async look(path: string, { by, restarts }: Look): Promise<void> {
    if (restarts) this.synced.restart();
    const file = this.synced.file(this.#at(path));
    if (by === "file") await this.synced.engine.lines.taskOf(file).run();
    if (by === "session") await this.synced.engine.sync(file.place.id);
    if (by === "search") await this.#syncAll();
  }

  /**
   * The archive must hold what one import of the transcripts as they are now would give: every column of every row,
   * the offsets and the parsers' states included. Sessions whose transcripts are gone are not compared.
   */
  async expectLikeFullImport(): Promise<void> {
    const full = await this.synced.fullImport();
    const ids = new Set(full["sessions"]?.map(({ id }) => id));
    for (const isAgain of [false, true]) {
      if (isAgain) this.synced.restart();
      await this.#syncAll();
      expectSameImage(onlyOf(ids, await this.#image()), full);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.synced[Symbol.asyncDispose]();
    this.#workspace[Symbol.dispose]();
  }

  async #syncAll(): Promise<void> {
    expect((await this.synced.engine.syncAll()).failures).toEqual([]);
  }

  #at(path: string): string {
    return join(this.#workspace.home, path);
  }

  #made(path: string): string {
    mkdirSync(dirname(this.#at(path)), { recursive: true });
    return this.#at(path);
  }
}

function onlyOf(ids: ReadonlySet<unknown>, image: Image): Image {
  return Object.fromEntries(
    Object.entries(image).map(([table, rows]) => [
      table,
      rows.filter((row) => ids.has(row["session_id"] ?? row["id"])),
    ]),
  );
}

/** Does something to a file. @returns where to look then. */
export type Step = (home: FollowedHome) => string;
