/** Finds code fences and thoughts, in which no line is a mark. */

/** Lines from `from` up to `to` are the content, `next` is the line after it. */
export interface Quote {
  /** A fence is a part of its text, marks of thinking are not. */
  kind: "text" | "thinking";
  from: number;
  to: number;
  next: number;
}

const FENCE = /^(`{3,}|~{3,})(.*)$/;
const THINKING = /^<(thinking-content-\w{1,64})>\s*$/;
const THINKING_BEGINS = /^► \*\*THINKING\*\*\s*$/;
const THINKING_ENDS = /^► \*\*ANSWER\*\*\s*$/;

/**
 * An unclosed fence or thought is no quote: an answer that was cut off must not swallow the prompts after it.
 *
 * @param lines of one run.
 * @returns the quote that begins at a line; null if none does.
 */
export function endsOfQuotes(lines: readonly string[]): (at: number) => Quote | null {
  const longest = longestClosings(lines);
  return (at) => fenceAt(lines, at, longest) ?? thinkingAt(lines, at);
}

/** For each line and either sign, the longest bare fence from there to the end. */
function longestClosings(lines: readonly string[]): (at: number, sign: string) => number {
  const ticks = new Uint32Array(lines.length + 1);
  const tildes = new Uint32Array(lines.length + 1);
  for (let at = lines.length - 1; at >= 0; at -= 1) {
    const [, fence = "", info = ""] = FENCE.exec(lines[at] ?? "") ?? [];
    const length = info.trim() === "" ? fence.length : 0;
    ticks[at] = Math.max(ticks[at + 1] ?? 0, fence.startsWith("`") ? length : 0);
    tildes[at] = Math.max(tildes[at + 1] ?? 0, fence.startsWith("~") ? length : 0);
  }
  return (at, sign) => (sign === "`" ? ticks : tildes)[at] ?? 0;
}

/** Only a bare fence that is at least as long closes one. */
function fenceAt(
  lines: readonly string[],
  at: number,
  longestFrom: (at: number, sign: string) => number,
): Quote | null {
  const fence = FENCE.exec(lines[at] ?? "")?.[1];
  if (fence === undefined || longestFrom(at + 1, fence.charAt(0)) < fence.length) return null;
  for (let end = at + 1; end < lines.length; end += 1) {
    const [, closing = "", info = ""] = FENCE.exec(lines[end] ?? "") ?? [];
    if (closing.startsWith(fence) && info.trim() === "")
      return { kind: "text", from: at, to: end + 1, next: end + 1 };
  }
  return null;
}

/** If other thoughts begin before the end, the first ones were cut off. */
function thinkingAt(lines: readonly string[], at: number): Quote | null {
  const line = lines[at] ?? "";
  const tag = THINKING.exec(line)?.[1];
  if (tag === undefined && !THINKING_BEGINS.test(line)) return null;
  const isEnd = (text: string): boolean =>
    tag === undefined ? THINKING_ENDS.test(text) : text.trimEnd() === `</${tag}>`;
  for (let end = at + 1; end < lines.length; end += 1) {
    const text = lines[end] ?? "";
    if (isEnd(text)) {
      const to = tag === undefined && isRule(lines[end - 1]) ? end - 1 : end;
      return { kind: "thinking", from: at + 1, to, next: end + 1 };
    }
    if (THINKING.test(text) || THINKING_BEGINS.test(text)) return null;
  }
  return null;
}

/** Aider draws a line above its marks of thinking and answer. */
export function isRule(text: string | undefined): boolean {
  return /^-{12,}$/.test(text ?? "");
}
