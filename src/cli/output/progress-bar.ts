/** Shows a sync on a terminal: a bar while it runs, and one line at its end. */

import process from "node:process";
import type { createLogUpdate } from "log-update";
import type { ProgressDisplay } from "../../app/sync-everything.ts";
import type { Clock } from "../../async/clock.ts";
import type { Progress, SyncReport } from "../../sync/engine.ts";

/** A shorter sync (ms) shows no bar, which would only flicker. */
const QUIET_MS = 300;
/** Shortest time (ms) between two drawings. */
const DRAWING_INTERVAL_MS = 100;
/** The speed is the average of this many ms: long enough not to jump, short enough to follow a slow disk. */
const SPEED_WINDOW_MS = 10_000;
/** In columns. */
const BAR_WIDTH = { least: 8, most: 40 };

/** The terminal. */
type Screen = NodeJS.WritableStream & { columns: number };
type Paint = ReturnType<typeof createLogUpdate>;

/** How much was done at a time. */
export interface Sample {
  atMs: number;
  bytesDone: number;
}

/** Draws until it is cleared. The library hides the cursor meanwhile, and restores it even after a signal. */
export class ProgressBar implements ProgressDisplay {
  readonly #screen: Screen;
  readonly #clock: Clock;
  readonly #paint: Paint;
  #samples: readonly Sample[] = [];
  /** When the next drawing may be made; null until there is progress. */
  #dueMs: number | null = null;
  #isShown = false;

  private constructor(screen: Screen, clock: Clock, paint: Paint) {
    this.#screen = screen;
    this.#clock = clock;
    this.#paint = paint;
  }

  /** Loads the library only when it is needed: it takes a seventh of a start. */
  static async on(screen: Screen, clock: Clock): Promise<ProgressBar> {
    const { createLogUpdate } = await import("log-update");
    return new ProgressBar(screen, clock, createLogUpdate(screen));
  }

  /** Most calls draw nothing, so call it on all progress. */
  update(progress: Progress): void {
    const nowMs = this.#clock.now();
    const sample = { atMs: nowMs, bytesDone: progress.bytesDone };
    if (this.#dueMs === null) {
      this.#dueMs = nowMs + QUIET_MS;
      this.#samples = [sample];
    }
    // A terminal without a width has no window.
    const { columns } = this.#screen;
    if (nowMs < this.#dueMs || progress.filesDone === progress.files || !columns) return;
    this.#dueMs = nowMs + DRAWING_INTERVAL_MS;
    this.#samples = withSample(this.#samples, sample);
    this.#isShown = true;
    this.#paint(progressLine(progress, bytesPerSecond(this.#samples), columns));
  }

  /** Erases the bar: call it before anything else is written to the terminal. */
  clear(): void {
    if (!this.#isShown) return;
    this.#isShown = false;
    this.#paint.clear();
    this.#paint.done();
  }
}

/** @returns a bar; undefined if `stream` cannot redraw a line. A dumb terminal, such as an editor's, only appends. */
export async function openProgressBar(
  stream: NodeJS.WriteStream,
  clock: Clock,
): Promise<ProgressBar | undefined> {
  return stream.isTTY && process.env["TERM"] !== "dumb" ? await ProgressBar.on(stream, clock) : undefined;
}

/** @returns the samples to compute the speed from: those within the window, and the last one before it. */
export function withSample(samples: readonly Sample[], sample: Sample): readonly Sample[] {
  const first = samples.findLastIndex(({ atMs }) => atMs <= sample.atMs - SPEED_WINDOW_MS);
  return [...samples.slice(Math.max(first, 0)), sample];
}

/** @returns null while it is unknown. */
export function bytesPerSecond(samples: readonly Sample[]): number | null {
  const [first] = samples;
  const last = samples.at(-1);
  if (first === undefined || last === undefined) return null;
  const bytes = last.bytesDone - first.bytesDone;
  const ms = last.atMs - first.atMs;
  return bytes > 0 && ms > 0 ? (bytes / ms) * 1000 : null;
}

/**
 * @param speed in bytes per second; null while unknown.
 * @returns one line shorter than `columns`. If the room is too small, it leaves out the label, then the speed, the
 * bytes, and the time left. The rest keeps its width, so that nothing jumps from one drawing to the next.
 */
export function progressLine(progress: Progress, speed: number | null, columns: number): string {
  const { files, filesDone, bytes, bytesDone } = progress;
  const totalBytes = megabytes(bytes);
  const totalFiles = String(files);
  const counted = `${String(filesDone).padStart(totalFiles.length)}/${totalFiles} files`;
  const weighed = `${megabytes(bytesDone).padStart(totalBytes.length)}/${totalBytes} MB`;
  const rate = `${speed === null ? "-" : megabytes(speed)} MB/s`.padStart("999.9 MB/s".length);
  const left = `${secondsLeft(progress, speed)} left`.padStart("59:59 left".length);
  const layouts = [
    ["syncing", counted, weighed, rate, left],
    ["", counted, weighed, rate, left],
    ["", counted, weighed, left],
    ["", counted, left],
    ["", counted],
  ] as const;
  for (const [label, ...figures] of layouts) {
    const before = label === "" ? "" : `${label}  `;
    const after = `  ${figures.join("  ")}`;
    const room = columns - 1 - before.length - after.length;
    if (room >= BAR_WIDTH.least)
      return before + bar(shareDone(progress), Math.min(room, BAR_WIDTH.most)) + after;
  }
  return counted.trimStart().slice(0, columns - 1);
}

/** @returns `0:07`, `12:34`, `1:02:03`; a fraction of a second counts as a second. */
export function countdown(seconds: number): string {
  const whole = Math.ceil(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const tail = String(whole % 60).padStart(2, "0");
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

/** @param ms how long it took. @returns the line at the end of a sync. */
export function summaryLine({ filesDone, bytesDone, failures, leftAlone }: SyncReport, ms: number): string {
  // Failures without an id are folders that could not be searched, not transcripts.
  const synced = filesDone - failures.filter(({ id }) => id !== null).length;
  const transcripts = `${synced} ${synced === 1 ? "transcript" : "transcripts"}`;
  const failed = failures.length === 0 ? "" : `, ${failures.length} failed`;
  const others = leftAlone === 0 ? "" : `; ${leftAlone} not synced: deleted, or of another machine`;
  return `synced ${transcripts}, ${megabytes(bytesDone)} MB in ${(ms / 1000).toFixed(1)} s${failed}${others}`;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

function secondsLeft({ bytes, bytesDone }: Progress, speed: number | null): string {
  return speed === null ? "-:--" : countdown(Math.max(bytes - bytesDone, 0) / speed);
}

/** From 0 to 1, even if a transcript grows while it is read. */
function shareDone({ files, filesDone, bytes, bytesDone }: Progress): number {
  return Math.min(bytes > 0 ? bytesDone / bytes : filesDone / files, 1);
}

/** Both characters are in every terminal's font, including the consoles of Linux and Windows. */
function bar(share: number, width: number): string {
  const full = Math.floor(share * width);
  return "█".repeat(full) + "░".repeat(width - full);
}
