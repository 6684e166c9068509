/** Copies what is new in one transcript into the archive, going on where the last sync stopped. */

import type { BigIntStats } from "node:fs";
import type { ParserState } from "../../agents/agent.ts";
import type { SourceFile, SourceRecord, SyncedTranscript, SyncTransaction } from "../../watch/archive.ts";
import { chunksOf, fingerprintAt, RewrittenError } from "./chunks.ts";
import { tokenOf } from "./files.ts";
import type { OpenFile, ReadableFile } from "./files.ts";
import { isLineStart, readLines } from "./lines.ts";
import type { Lines } from "./lines.ts";
import { OpenFiles } from "./open-files.ts";
import type { FileOnDisk, Transcript } from "./transcript.ts";
import type { UnfinishedLines } from "./unfinished.ts";
import { unreadable } from "./unreadable.ts";
import { unzstd } from "./zstd.ts";

/** How many times a file that grows while it is read is read on: other sessions wait for the transaction. */
const MAX_ROUNDS = 8;

export interface CopyOptions {
  /** What earlier copies in this process know of lines that were still being written. */
  unfinished: UnfinishedLines;
  /** Called with the number of bytes after each piece that was read. */
  onRead: (bytes: number) => void;
  /** The first file, where it is open already. */
  opened?: OpenFile;
}

/** What a copy has brought. */
export interface Copied {
  /** New lines that could not be read. */
  malformedLines: number;
  files: readonly SourceFile[];
  revision: number;
}

/** How far a transcript has been read. */
interface ReadSoFar {
  files: readonly SourceFile[];
  state: ParserState;
}

/** One copy of one transcript: `open`, `run` inside a transaction, `close`. */
export class TranscriptCopy {
  readonly #transcript: Transcript;
  readonly #options: CopyOptions;
  readonly #files = new OpenFiles();

  constructor(transcript: Transcript, options: CopyOptions) {
    this.#transcript = transcript;
    this.#options = options;
    const { opened } = options;
    if (opened !== undefined) this.#files.adopt(transcript.files[0], opened);
  }

  /**
   * Reads new data before the transaction, so that other writers do not wait for the disk.
   *
   * @param synced what is known of the last sync.
   * @throws WatchError `transcript_unreadable`, VanishedError.
   */
  async open(synced: SyncedTranscript | null): Promise<void> {
    const last = this.#transcript.files.at(-1);
    if (last === undefined) return;
    const known = synced?.files.find(({ path }) => path === last.path);
    const offset = last.place.compression === null ? (known?.offset ?? 0) : 0;
    await this.#files.open(last, this.#options.unfinished.nextRead(last.path, offset));
  }

  /**
   * @returns null if there was nothing to save.
   * @throws WatchError `transcript_unreadable`, VanishedError, and what the transaction throws.
   */
  async run(transaction: SyncTransaction): Promise<Copied | null> {
    const { files } = this.#transcript;
    const { agent } = files[0].root;
    const before = readSoFar(agent.revision, transaction.source);
    let progress = before;
    for (let round = 1; round <= MAX_ROUNDS; round += 1) {
      // The first round goes on from what `open` has found.
      if (round > 1) {
        if (progress !== null && (await this.#isRead(progress))) break;
        this.#files.newRound();
      }
      const next = await this.#readOn(progress, transaction).catch(startedOver);
      // All that was there has been read, in an earlier round or by another process.
      if (next !== null && next === progress) break;
      progress = next;
    }
    if (progress === null) return null;
    const isMoved = progress.files.some(({ path }, index) => path !== files[index]?.path);
    if (progress === before && !isMoved) return null;
    const { revision } = agent;
    const read = progress.files.map((file, index) => ({ ...file, path: files[index]?.path ?? file.path }));
    await transaction.save(progress.state.facts, {
      files: read,
      revision,
      parserState: JSON.stringify(progress.state),
    });
    const malformedBefore = before?.state.facts.malformedLines ?? 0;
    // After a fresh start there may be fewer than before.
    const malformedLines = Math.max(progress.state.facts.malformedLines - malformedBefore, 0);
    return { malformedLines, files: read, revision };
  }

  /** @returns whether a file that was read has been written to since. */
  async hasGrown(): Promise<boolean> {
    return await this.#files.haveChanged();
  }

  async close(): Promise<void> {
    await this.#files.close();
  }

  /** @returns whether all was read. A rewrite that keeps the end is found by `hasGrown`, or by the next look. */
  async #isRead({ files }: ReadSoFar): Promise<boolean> {
    const last = this.#transcript.files.at(-1);
    const known = files.at(-1);
    if (last === undefined || known === undefined) return false;
    if (last.place.compression !== null) return !(await this.#files.haveChanged());
    return await this.#files.isAtEnd(last, known.offset, known.fingerprint);
  }

  /** @returns `before` itself if there is nothing new. */
  async #readOn(before: ReadSoFar | null, transaction: SyncTransaction): Promise<ReadSoFar | null> {
    const { files } = this.#transcript;
    const resumed = before !== null && (await this.#canResumeNow(before)) ? before : null;
    if (resumed === null) await transaction.clear();
    let progress = resumed ?? { files: [], state: files[0].root.agent.parse([], null, files[0].place).state };
    for (const [index, file] of files.entries()) {
      // Only the last one that was read can have grown.
      if (index < progress.files.length - 1) continue;
      progress = await this.#readFile(file, index, progress, transaction);
    }
    return progress;
  }

  async #canResumeNow(before: ReadSoFar): Promise<boolean> {
    if (await this.#canResume(before)) return true;
    // While this copy waited for the transaction, another process may have synced a file that replaced the open one:
    // open the file that is there now.
    await this.#files.close();
    return await this.#canResume(before);
  }

  /** Appending is the only change that a reader can go on after; everything else starts over. */
  async #canResume({ files }: ReadSoFar): Promise<boolean> {
    for (const [index, known] of files.entries()) {
      const file = this.#transcript.files[index];
      if (file === undefined) return false;
      if (index === files.length - 1) return await this.#canReadOn(file, known);
      if (file.token !== known.token) return false;
    }
    return false;
  }

  async #canReadOn(file: FileOnDisk, known: SourceFile): Promise<boolean> {
    const { handle, stats } = await this.#files.look(file);
    if (tokenOf(stats) === known.token) return true;
    if (file.place.compression !== null) return false;
    if (known.inode !== stats.ino || known.device !== stats.dev) return false;
    // The same size with another mtime is no append: it was rewritten in place.
    if (stats.size <= BigInt(known.offset)) return false;
    if ((await fingerprintAt(handle, known.offset)) !== known.fingerprint) return false;
    return await isLineStart(handle, known.offset);
  }

  /**
   * Reads a file up to the size that it has now: what is stored about it is then exactly what was read of it, however
   * fast it grows.
   */
  async #readFile(
    file: FileOnDisk,
    index: number,
    before: ReadSoFar,
    transaction: SyncTransaction,
  ): Promise<ReadSoFar> {
    const { handle, stats } = await this.#files.look(file);
    const known = before.files[index];
    if (known?.token === tokenOf(stats)) return before;
    let { state } = before;
    let offset = known?.offset ?? 0;
    for await (const piece of this.#pieces(file, handle, offset, stats)) {
      const parsed = file.root.agent.parse(piece.lines, state, file.place);
      await transaction.write(parsed.entries);
      this.#options.onRead(piece.offset - offset);
      ({ state } = parsed);
      ({ offset } = piece);
    }
    const source: SourceFile = {
      path: file.path,
      token: tokenOf(stats),
      offset,
      fingerprint: await fingerprintAt(handle, file.place.compression === null ? offset : 0),
      mtimeNs: stats.mtimeNs,
      inode: stats.ino,
      device: stats.dev,
    };
    return { files: [...before.files.slice(0, index), source], state };
  }

  async *#pieces(
    file: FileOnDisk,
    handle: ReadableFile,
    from: number,
    stats: BigIntStats,
  ): AsyncGenerator<Lines> {
    const { unfinished } = this.#options;
    const { path } = file;
    const to = Number(stats.size);
    try {
      if (file.place.compression === "zstd") return yield* readLines(unzstd(chunksOf(handle, 0, to)));
      let offset = from;
      if (!(await unfinished.isStillUnfinished(path, handle, from, to))) {
        for await (const piece of readLines(chunksOf(handle, from, to), from)) {
          ({ offset } = piece);
          yield piece;
        }
      }
      await unfinished.note(path, handle, offset, to);
    } catch (error) {
      throw unreadable(path, error);
    }
  }
}

/** A rewritten file is read from its start in the next round. */
function startedOver(error: unknown): null {
  if (error instanceof RewrittenError) return null;
  throw error;
}

/** @returns null if there is nothing to go on from: a state means nothing to another revision of its parser. */
function readSoFar(revision: number, source: SourceRecord | null): ReadSoFar | null {
  if (source === null || source.revision !== revision) return null;
  try {
    return { files: source.files, state: JSON.parse(source.parserState) as ParserState };
  } catch {
    // Damaged, and not needed: the transcript is the truth.
    return null;
  }
}
