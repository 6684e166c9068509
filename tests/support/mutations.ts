/** Damages the lines of recordings: what crashes, torn writes, and writers that mean harm make of transcripts. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const FIXTURES = join(import.meta.dir, "../fixtures");

/** Damaged lines per agent and run: the suite tries a share of what `npm run fuzz` does. */
export const FUZZ_LINES = Number(process.env["SESSIONWATCH_FUZZ_LINES"] ?? 30_000);
/** Another one each time; the name of a test that has failed says how to repeat it. */
export const FUZZ_SEED = Number(process.env["SESSIONWATCH_FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

/** @returns the lines of all plain recordings of an agent. @throws if it has none. */
export function recordedLines(agent: string): string[] {
  const lines = readdirSync(join(FIXTURES, agent), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".jsonl"))
    .sort()
    .flatMap((path) => readFileSync(join(FIXTURES, agent, path), "utf8").split("\n"))
    .filter((line) => line !== "");
  if (lines.length === 0) throw new Error(`no recordings of ${agent}`);
  return lines;
}

/** Numbers from 0 (inclusive) to 1, the same for the same seed: mulberry32. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  of<T>(values: readonly T[]): T {
    const value = values[this.below(values.length)];
    if (value === undefined) throw new RangeError("nothing to choose from");
    return value;
  }
}

/** JSON text that no value of JavaScript is written as: it takes the place of a value of the line. */
const RAW_VALUES = [
  "null",
  "true",
  "[]",
  "{}",
  '""',
  "0",
  "-0",
  "-1",
  "0.5",
  "1e308",
  "1e999",
  "-1e999",
  "1e-400",
  "9007199254740993",
  "1".repeat(400),
  "NaN",
  "[[[[[[]]]]]]",
  '[null,1,"x",{}]',
  '"\\ud800"',
  '"\\udc00\\ud800 \\u0000"',
  '"a\\u0000b"',
  '"\\ufeff\\u202e\\u2028"',
  '"../../../../etc/passwd"',
  '"..\\\\..\\\\con\\u0007\\u001b[2J\\r\\n"',
  '"/"',
  '"__proto__"',
  '"constructor"',
  '"9999-12-31T23:59:59.999Z"',
  '"+275760-09-13T00:00:00.000Z"',
  '"-000001-01-01T00:00:00Z"',
  '"0000-00-00T00:00:00Z"',
  '"1969-12-31T23:59:59Z"',
  '"2026-02-30T25:61:61Z"',
  '"1999-01-01T00:00:00+23:59"',
  '"2"',
  '{"__proto__":{"type":"user","message":{"content":"polluted"}}}',
  '{"constructor":{"prototype":{"type":"x"}},"toString":null,"length":-1}',
  '[{"type":"text"},{"type":"tool_use"},{"type":"tool_result"},{"text":{}},{"type":{}}]',
] as const;

/** On these, careless patterns take time that grows with more than the length. */
const SLOW_TEXTS = [
  (length: number) => `<command-name>${" ".repeat(length)}`,
  (length: number) => `<command-name>x</command-name><command-args>${" \n".repeat(length / 2)}`,
  (length: number) => "<command-name>".repeat(length / 14),
  (length: number) => `${" ".repeat(length)}x`,
  (length: number) => `mcp__${"_".repeat(length)}x`,
  (length: number) => "<task-id> a <tool-use-id> a".repeat(length / 27),
  (length: number) => `<environment_context>${"<cwd>a".repeat(length / 6)}`,
  (length: number) => "*** Begin Patch\n*** Add File: \n".repeat(length / 31),
  (length: number) => "\\/".repeat(length / 2),
  (length: number) => "/-".repeat(length / 2),
  (length: number) => "é😀".repeat(length / 3),
] as const;

/** Stands for a raw value while the rest of a line is written as JSON. */
const PLACEHOLDER = "(a raw value)";
const KEYS = ["__proto__", "constructor", "prototype", "toString", "", "\0", "\ud800", "type", "payload"];
/** Rarely; the rest stays short, so that many lines are tried. */
const HUGE = { share: 1 / 4000, length: 300_000, depth: 100_000 };

type Node = Record<string, unknown> | unknown[];

export class Mutator {
  readonly #lines: readonly string[];
  readonly #random: Random;

  constructor(lines: readonly string[], random: Random) {
    this.#lines = lines;
    this.#random = random;
  }

  /** One damaged line, or a few that belong together; some are left whole, so that sessions grow. */
  next(): string {
    const random = this.#random;
    const line = random.of(this.#lines);
    if (random.next() < 0.15) return line;
    const damaged = random.next() < 0.65 ? this.#inTree(line) : line;
    return random.next() < 0.4 ? this.#inText(damaged) : damaged;
  }

  /** Damages what the line says; it stays JSON, most of the time. */
  #inTree(line: string): string {
    const random = this.#random;
    const raws: string[] = [];
    let tree: Node;
    try {
      tree = JSON.parse(line) as Node;
    } catch {
      // Some recordings hold damaged lines themselves.
      return line;
    }
    for (let left = 1 + random.below(4); left > 0; left -= 1) {
      const { node, key } = this.#place(tree);
      const other = this.#place(tree);
      const value = valueAt(node, key);
      switch (random.below(8)) {
        case 0:
          remove(node, key);
          break;
        case 1:
          put(node, random.of(KEYS), value);
          break;
        case 2:
          put(node, key, valueAt(other.node, other.key));
          break;
        case 3:
          put(other.node, other.key, [value, value]);
          break;
        case 4:
          put(node, key, random.next().toString(36));
          break;
        default:
          put(node, key, PLACEHOLDER);
          raws.push(this.#rawValue());
      }
      // A value may have been put into itself.
      if (!isWritable(tree)) return line;
    }
    const parts = JSON.stringify(tree).split(JSON.stringify(PLACEHOLDER));
    return parts.map((part, index) => (index === 0 ? part : (raws[index - 1] ?? "null") + part)).join("");
  }

  #rawValue(): string {
    const random = this.#random;
    if (random.next() < HUGE.share) {
      const depth = random.below(HUGE.depth);
      return random.of(['{"a":'.repeat(depth), "[".repeat(depth), deep(depth), deep(depth)]);
    }
    if (random.next() < HUGE.share * 4)
      return JSON.stringify(random.of(SLOW_TEXTS)(random.below(HUGE.length)));
    if (random.next() < 0.05) return JSON.stringify(random.of(SLOW_TEXTS)(random.below(200)));
    if (random.next() < 0.1)
      return JSON.stringify(new Date(random.next() * 4e12 - 1e12).toISOString().slice(0, 30));
    return random.of(RAW_VALUES);
  }

  /** Damages the line as bytes on a disk are. */
  #inText(line: string): string {
    const random = this.#random;
    const at = random.below(line.length + 1);
    switch (random.below(10)) {
      case 0:
        return line.slice(0, at);
      case 1:
        return line.slice(at);
      case 2:
        return line.slice(0, at) + random.of(this.#lines).slice(random.below(200));
      case 3:
        return line + random.of(this.#lines);
      case 4:
        return line.slice(0, at) + random.of(this.#lines);
      case 5:
        return `${"\0".repeat(1 + random.below(4096))}${line}`;
      case 6:
        return (
          random.of(["\ufeff", "\r", " ", "\t", "\ufeff\ufeff"]) + line + random.of(["\r", "\0", " ", ","])
        );
      case 7:
        return random.of(["", " ", "\r", "null", "[]", "0", '"x"', "{", "}", "{}", '{"type":', "\u2028"]);
      case 8:
        return line.slice(0, at) + String.fromCharCode(random.below(0x10000)) + line.slice(at);
      default:
        return this.#flipped(line);
    }
  }

  #flipped(line: string): string {
    const bytes = Buffer.from(line);
    for (let left = 1 + this.#random.below(8); left > 0 && bytes.length > 0; left -= 1) {
      const at = this.#random.below(bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << this.#random.below(8));
    }
    return bytes.toString();
  }

  /** Somewhere in the tree, the upper parts more often: that is where the meaning is. */
  #place(tree: Node): { node: Node; key: string } {
    let node = tree;
    for (;;) {
      const keys = Object.keys(node);
      if (keys.length === 0) return { node, key: "0" };
      const key = this.#random.of(keys);
      const inner = valueAt(node, key);
      if (typeof inner !== "object" || inner === null || this.#random.next() < 0.3) return { node, key };
      node = inner as Node;
    }
  }
}

function deep(depth: number): string {
  return `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
}

function valueAt(node: Node, key: string): unknown {
  return (node as Record<string, unknown>)[key];
}

/** Also under `__proto__`: as a member, as JSON.parse makes it. */
function put(node: Node, key: string, value: unknown): void {
  if (Array.isArray(node)) node[Number(key) || 0] = value;
  else Object.defineProperty(node, key, { value, enumerable: true, configurable: true, writable: true });
}

function remove(node: Node, key: string): void {
  if (Array.isArray(node)) node.splice(Number(key), 1);
  else delete node[key];
}

function isWritable(tree: Node): boolean {
  try {
    return JSON.stringify(tree).length < 4_000_000;
  } catch {
    return false;
  }
}
