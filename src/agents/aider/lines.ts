/** Splits a history into runs, and tells what each line is. */

import { endsOfQuotes, isRule } from "./quotes.ts";
import type { LocalZone } from "./local-zone.ts";
import { timeIn } from "./local-zone.ts";

/** A line without its mark. */
export interface Line {
  kind: "prompt" | "program" | "text" | "thinking";
  text: string;
}

/** The lines from one header to the next. */
export interface ChatRun {
  /** RFC 3339 UTC, from the local time in the header; null if that is none. */
  startedAt: string | null;
  lines: Line[];
}

const HEADER = /^# aider chat started at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\s*$/;
const PROMPT = /^####(?: (.*))?$/;
const PROGRAM = /^> ?(.*)$/;

/** @returns the runs in a history. Lines before the first header belong to none. */
export function runsIn(text: string, zone: LocalZone): ChatRun[] {
  const lines = text.split(/\r?\n/);
  const headers = headersIn(lines);
  return headers.map(({ at, time }, index) => ({
    startedAt: timeIn(zone, time),
    lines: classified(lines.slice(at + 1, headers[index + 1]?.at)),
  }));
}

/** A header in a code fence is a quote, unless lines of the program follow: then the fence was cut off. */
function headersIn(lines: readonly string[]): { at: number; time: string }[] {
  const headers: { at: number; time: string }[] = [];
  let fence: string | null = null;
  for (const [at, line] of lines.entries()) {
    fence = fenceAfter(line, fence);
    const time = HEADER.exec(line)?.[1];
    if (time === undefined || (fence !== null && !isFollowedByProgram(lines, at))) continue;
    fence = null;
    headers.push({ at, time });
  }
  return headers;
}

function fenceAfter(line: string, open: string | null): string | null {
  const [, fence, info = ""] = /^(`{3,}|~{3,})(.*)$/.exec(line) ?? [];
  if (fence === undefined) return open;
  if (open === null) return fence;
  return fence.startsWith(open) && info.trim() === "" ? null : open;
}

function isFollowedByProgram(lines: readonly string[], at: number): boolean {
  const next = lines.slice(at + 1, at + 4).find((line) => line.trim() !== "");
  return next?.startsWith("> ") === true;
}

/** @param lines of one run. */
function classified(lines: readonly string[]): Line[] {
  const isPrompt = promptTest(lines);
  const endOf = endsOfQuotes(lines);
  const found: Line[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? "";
    const quote = endOf(at);
    if (quote !== null) {
      const { kind, from, to, next } = quote;
      const last = found.at(-1);
      if (kind === "thinking" && last?.kind === "text" && isRule(last.text)) found.pop();
      for (const text of lines.slice(from, to)) found.push({ kind, text });
      at = next - 1;
    } else {
      found.push(lineOf(line, isPrompt));
    }
  }
  return found;
}

function lineOf(line: string, isPrompt: (line: string) => boolean): Line {
  const prompt = PROMPT.exec(line);
  if (prompt !== null && isPrompt(line)) return { kind: "prompt", text: (prompt[1] ?? "").trimEnd() };
  const program = PROGRAM.exec(line);
  if (program !== null) return { kind: "program", text: (program[1] ?? "").trimEnd() };
  return { kind: "text", text: line };
}

/** Aider ends each line of a prompt with two spaces, which a model's own headings do not have; older files have none. */
function promptTest(lines: readonly string[]): (line: string) => boolean {
  const first = lines.find((line) => PROMPT.test(line));
  return first?.endsWith("  ") === true ? (line) => line.endsWith("  ") : () => true;
}
