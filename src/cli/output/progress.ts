/** What a person is told of a sync: a bar on the terminal while it lasts, and one line at its end. */

import type { createLogUpdate } from "log-update";
import type { Progress, SyncReport } from "../../sync/engine.ts";
import type { Clock } from "../../async/clock.ts";

/** A sync that is over sooner (ms) shows no bar: it would only flicker. */
const QUIET_MS = 300;
/** Least time (ms) between two drawings. */
const DRAWING_INTERVAL_MS = 100;
/** The speed is that of the last so many ms: old enough not to jump, young enough to follow a slow disk. */
const SPEED_WINDOW_MS = 10_000;
/** In columns. A longer bar tells nothing more, and a shorter one nothing at all. */
const BAR_WIDTH = { least: 8, most: 40 };

/** Where the bar is drawn. */
type Screen = NodeJS.WritableStream & { columns: number };
type Paint = ReturnType<typeof createLogUpdate>;

/** How much had been done when. */
export interface Sample {
  atMs: number;
  bytesDone: number;
}

/** Draws on a terminal until it is cleared. The cursor is hidden meanwhile, and back even if a signal ends us. */
export class ProgressBar {
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

  /** The library is loaded only where a bar may be seen: elsewhere it would add a seventh to the time of a start. */
  static async on(screen: Screen, clock: Clock): Promise<ProgressBar> {
    const { createLogUpdate } = await import("log-update");
    return new ProgressBar(screen, clock, createLogUpdate(screen));
  }

  /** May be called as often as there is progress; most calls draw nothing. */
  update(progress: Progress): void {
    const nowMs = this.#clock.now();
    const sample = { atMs: nowMs, bytesDone: progress.bytesDone };
    if (this.#dueMs === null) {
      this.#dueMs = nowMs + QUIET_MS;
      this.#samples = [sample];
    }
    // A terminal of no width has no window either: there is nobody to draw for.
    const { columns } = this.#screen;
    if (nowMs < this.#dueMs || progress.filesDone === progress.files || !columns) return;
    this.#dueMs = nowMs + DRAWING_INTERVAL_MS;
    this.#samples = withSample(this.#samples, sample);
    this.#isShown = true;
    this.#paint(progressLine(progress, bytesPerSecond(this.#samples), columns));
  }

  /** Leaves the terminal as it was: call it before anything else is written there. */
  clear(): void {
    if (!this.#isShown) return;
    this.#isShown = false;
    this.#paint.clear();
    this.#paint.done();
  }
}

/** @returns the samples that the speed is told from: those within the window, and the last one before it. */
export function withSample(samples: readonly Sample[], sample: Sample): readonly Sample[] {
  const first = samples.findLastIndex(({ atMs }) => atMs <= sample.atMs - SPEED_WINDOW_MS);
  return [...samples.slice(Math.max(first, 0)), sample];
}

/** @returns null while nothing can be said. */
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
 * @returns one line shorter than `columns`. Where there is no room for all, the label goes first, then the speed, the
 * bytes, and the time that is left. What stays keeps its width, so that nothing jumps from one drawing to the next.
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

/** @returns `0:07`, `12:34`, `1:02:03`; a time that has begun counts whole. */
export function countdown(seconds: number): string {
  const whole = Math.ceil(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const tail = String(whole % 60).padStart(2, "0");
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

/** @param ms how long it took. @returns what is said at the end. */
export function summaryLine({ filesDone, bytesDone, failures, leftAlone }: SyncReport, ms: number): string {
  // A folder that could not be searched is a failure too, but none of the transcripts.
  const synced = filesDone - failures.filter(({ id }) => id !== null).length;
  const transcripts = `${synced} ${synced === 1 ? "transcript" : "transcripts"}`;
  const failed = failures.length === 0 ? "" : `, ${failures.length} failed`;
  const others = leftAlone === 0 ? "" : `; ${leftAlone} left alone: deleted, or of another machine`;
  return `synced ${transcripts}, ${megabytes(bytesDone)} MB in ${(ms / 1000).toFixed(1)} s${failed}${others}`;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

function secondsLeft({ bytes, bytesDone }: Progress, speed: number | null): string {
  return speed === null ? "-:--" : countdown(Math.max(bytes - bytesDone, 0) / speed);
}

/** From 0 to 1; a transcript that grows while it is read cannot make it more. */
function shareDone({ files, filesDone, bytes, bytesDone }: Progress): number {
  return Math.min(bytes > 0 ? bytesDone / bytes : filesDone / files, 1);
}

/** Both characters are in every terminal's font, be it the console of Linux or of Windows. */
function bar(share: number, width: number): string {
  const full = Math.floor(share * width);
  return "█".repeat(full) + "░".repeat(width - full);
}
