/** A few connections that whoever needs one takes in turn. */

import type { Link } from "./link.ts";

export class LinkPool {
  readonly #links: readonly Link[];
  readonly #free: Link[];
  readonly #waiting: ((link: Link) => void)[] = [];

  /** @param links nothing else is run on them; each opens its connection when it is used. */
  constructor(links: readonly Link[]) {
    this.#links = links;
    this.#free = [...links];
  }

  /** Runs `work` on a connection that nobody else has meanwhile. */
  async use<T>(work: (link: Link) => Promise<T>): Promise<T> {
    // The one that was used last: the others stay unused for so long that they are closed.
    const link = this.#free.pop() ?? (await new Promise<Link>((resolve) => this.#waiting.push(resolve)));
    try {
      return await work(link);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(link);
      else next(link);
    }
  }

  /** At once: what is under way fails, and so does what waits. */
  async close(): Promise<void> {
    await Promise.all(this.#links.map((link) => link.close()));
  }
}
