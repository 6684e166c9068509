/** Lends a fixed number of resources, each to one caller at a time. */

export class ResourcePool<Resource> {
  readonly #free: Resource[];
  readonly #waiting: ((resource: Resource) => void)[] = [];

  constructor(resources: readonly Resource[]) {
    this.#free = [...resources];
  }

  /** Runs `work` with a resource that no other caller uses meanwhile, waiting for one if necessary. */
  async use<T>(work: (resource: Resource) => Promise<T>): Promise<T> {
    // The one used last comes first, so that the others stay idle and can be given up.
    const resource =
      this.#free.pop() ?? (await new Promise<Resource>((resolve) => this.#waiting.push(resolve)));
    try {
      return await work(resource);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(resource);
      else next(resource);
    }
  }
}
