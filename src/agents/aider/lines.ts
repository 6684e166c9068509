/** Tells what each line of a history is. Inside a code fence no line is more than a part of the answer. */

/** A line without its mark. */
export interface Line {
  kind: "prompt" | "program" | "text";
  text: string;
}

/** What stands below one header, up to the next. */
export interface Run {
  /** RFC 3339 UTC, from the local time in the header; null if that is none. */
  startedAt: string | null;
  lines: Line[];
}

const HEADER = /^# aider chat started at (\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)\s*$/;
const PROMPT = /^####(?: (.*))?$/;
const PROGRAM = /^> ?(.*)$/;
const FENCE = /^(`{3,}|~{3,})(.*)$/;

/** @returns the runs in a history; what stands before the first header belongs to none. */
export function runsIn(text: string): Run[] {
  const runs: Run[] = [];
  let reader: RunReader | null = null;
  const lines = text.split(/\r?\n/);
  for (const [index, line] of lines.entries()) {
    const header = HEADER.exec(line);
    if (header !== null && (reader?.isInFence !== true || isFollowedByProgram(lines, index))) {
      reader = new RunReader(timeOf(header));
      runs.push(reader.run);
    } else {
      reader?.add(line);
    }
  }
  return runs;
}

class RunReader {
  readonly run: Run;
  #fence: string | null = null;
  /** Aider ends each line of a prompt with two spaces, which a model's own headings have not; older files have none. */
  #hasSpaces: boolean | null = null;

  constructor(startedAt: string | null) {
    this.run = { startedAt, lines: [] };
  }

  get isInFence(): boolean {
    return this.#fence !== null;
  }

  add(line: string): void {
    const { lines } = this.run;
    if (this.#noteFence(line) || this.isInFence) {
      lines.push({ kind: "text", text: line });
      return;
    }
    const prompt = PROMPT.exec(line);
    if (prompt !== null && this.#isPrompt(line)) {
      lines.push({ kind: "prompt", text: (prompt[1] ?? "").trimEnd() });
      return;
    }
    const program = PROGRAM.exec(line);
    if (program !== null) lines.push({ kind: "program", text: (program[1] ?? "").trimEnd() });
    else lines.push({ kind: "text", text: line });
  }

  #isPrompt(line: string): boolean {
    this.#hasSpaces ??= line.endsWith("  ");
    return line.endsWith("  ") || !this.#hasSpaces;
  }

  /** @returns whether the line opens or closes a fence: only a bare one that is as long closes it. */
  #noteFence(line: string): boolean {
    const [, fence = "", info = ""] = FENCE.exec(line) ?? [];
    if (fence === "") return false;
    if (this.#fence === null) this.#fence = fence;
    else if (fence.startsWith(this.#fence) && info.trim() === "") this.#fence = null;
    else return false;
    return true;
  }
}

/** An answer that was cut off may leave its fence open: a header that the program goes on from is one all the same. */
function isFollowedByProgram(lines: readonly string[], index: number): boolean {
  const next = lines.slice(index + 1, index + 4).find((line) => line.trim() !== "");
  return next?.startsWith("> ") === true;
}

/** The header has the time of the machine that wrote it, without its zone: that is this machine. */
function timeOf([, ...parts]: RegExpExecArray): string | null {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.map(Number);
  const time = new Date(year, month - 1, day, hour, minute, second);
  const isReal = time.getMonth() === month - 1 && time.getDate() === day && year >= 1970;
  return isReal ? time.toISOString() : null;
}
