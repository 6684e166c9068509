/** Matches what was done with what an observer was told of it. */

import { within } from "../../tests/support/program.ts";
import { nowMs } from "./clock.ts";

/** A change that leaves a session with so many messages, and when (ms, see clock.ts) it was done. */
export interface Change {
  messageCount: number;
  atMs: number;
}

/** Updates coalesce: one that tells of n messages tells of every change up to n. */
export class Arrivals {
  readonly #seen: Change[] = [];
  #wake: () => void = noWaiter;

  /** To be called the moment that an update arrives. */
  add(messageCount: number): void {
    this.#seen.push({ messageCount, atMs: nowMs() });
    this.#wake();
  }

  /** Resolves once an update has told of `messageCount` messages. @throws if none does. */
  reached(messageCount: number): Promise<void> {
    return within(this.#reached(messageCount), () => `an update with ${messageCount} messages`);
  }

  /** @returns per change how long (ms) after it the first update arrived that tells of it. */
  latencies(changes: readonly Change[]): number[] {
    let next = 0;
    return changes.map(({ messageCount, atMs }) => {
      while ((this.#seen[next]?.messageCount ?? Infinity) < messageCount) next += 1;
      return (this.#seen[next]?.atMs ?? Infinity) - atMs;
    });
  }

  async #reached(messageCount: number): Promise<void> {
    while ((this.#seen.at(-1)?.messageCount ?? 0) < messageCount) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

function noWaiter(): void {}
