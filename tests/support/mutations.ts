/** Damages the lines of recordings: what crashes, torn writes, and writers that mean harm make of transcripts. */

import { AFTER, BEFORE, COSTLY_VALUES, DEPTH, KEYS, nested, SLOW_TEXTS, STUBS, VALUES } from "./damage.ts";
import type { Dice } from "./dice.ts";
import { scaled } from "./scale.ts";

/** Damaged lines per agent and run. */
export const FUZZ_LINES = scaled(1_000_000, 20_000);
/** Another one each time; the name of a test that has failed says how to repeat it. */
export const FUZZ_SEED = Number(process.env["SESSIONWATCH_FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

/** Stands for a raw value while the rest of a line is written as JSON. */
const PLACEHOLDER = "(a raw value)";
/** Rarely; the rest stays short, so that many lines are tried. */
const HUGE = { share: 1 / 4000, length: 300_000 };

type Node = Record<string, unknown> | unknown[];

export class Mutator {
  readonly #lines: readonly string[];
  readonly #dice: Dice;

  constructor(lines: readonly string[], dice: Dice) {
    this.#lines = lines;
    this.#dice = dice;
  }

  /** One damaged line, or a few that belong together; some are left whole, so that sessions grow. */
  next(): string {
    const dice = this.#dice;
    const line = dice.pick(this.#lines);
    if (dice.chance(0.15)) return line;
    const damaged = dice.chance(0.65) ? this.#inTree(line) : line;
    return dice.chance(0.4) ? this.#inText(damaged) : damaged;
  }

  /** Damages what the line says; it stays JSON, most of the time. */
  #inTree(line: string): string {
    const dice = this.#dice;
    const raws: string[] = [];
    let tree: Node;
    try {
      tree = JSON.parse(line) as Node;
    } catch {
      // Some recordings hold damaged lines themselves.
      return line;
    }
    for (let left = 1 + dice.below(4); left > 0; left -= 1) {
      const { node, key } = this.#place(tree);
      const other = this.#place(tree);
      const value = valueAt(node, key);
      switch (dice.below(8)) {
        case 0:
          remove(node, key);
          break;
        case 1:
          put(node, dice.pick(KEYS), value);
          break;
        case 2:
          put(node, key, valueAt(other.node, other.key));
          break;
        case 3:
          put(other.node, other.key, [value, value]);
          break;
        case 4:
          put(node, key, dice.below(2 ** 32).toString(36));
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
    const dice = this.#dice;
    if (dice.chance(HUGE.share)) {
      const depth = dice.below(DEPTH);
      return dice.pick(['{"a":'.repeat(depth), "[".repeat(depth), nested(depth), ...COSTLY_VALUES]);
    }
    if (dice.chance(HUGE.share * 4)) return JSON.stringify(dice.pick(SLOW_TEXTS)(dice.below(HUGE.length)));
    if (dice.chance(0.05)) return JSON.stringify(dice.pick(SLOW_TEXTS)(dice.below(200)));
    if (dice.chance(0.1)) return JSON.stringify(new Date(dice.below(4e12) - 1e12).toISOString().slice(0, 30));
    return dice.pick(VALUES);
  }

  /** Damages the line as bytes on a disk are. */
  #inText(line: string): string {
    const dice = this.#dice;
    const at = dice.below(line.length + 1);
    switch (dice.below(10)) {
      case 0:
        return line.slice(0, at);
      case 1:
        return line.slice(at);
      case 2:
        return line.slice(0, at) + dice.pick(this.#lines).slice(dice.below(200));
      case 3:
        return line + dice.pick(this.#lines);
      case 4:
        return line.slice(0, at) + dice.pick(this.#lines);
      case 5:
        return `${"\0".repeat(1 + dice.below(4096))}${line}`;
      case 6:
        return dice.pick(BEFORE) + line + dice.pick(AFTER);
      case 7:
        return dice.pick(STUBS);
      case 8:
        return line.slice(0, at) + String.fromCharCode(dice.below(0x10000)) + line.slice(at);
      default:
        return this.#flipped(line);
    }
  }

  #flipped(line: string): string {
    const bytes = Buffer.from(line);
    for (let left = 1 + this.#dice.below(8); left > 0 && bytes.length > 0; left -= 1) {
      const at = this.#dice.below(bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << this.#dice.below(8));
    }
    return bytes.toString();
  }

  /** Somewhere in the tree, the upper parts more often: that is where the meaning is. */
  #place(tree: Node): { node: Node; key: string } {
    let node = tree;
    for (;;) {
      const keys = Object.keys(node);
      if (keys.length === 0) return { node, key: "0" };
      const key = this.#dice.pick(keys);
      const inner = valueAt(node, key);
      if (typeof inner !== "object" || inner === null || this.#dice.chance(0.3)) return { node, key };
      node = inner as Node;
    }
  }
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
