/** Runs jobs one at a time, in the order in which they were added. */

export class SerialQueue {
  #pending = 0;
  /** Resolves when the last job that was added is over. */
  #last: Promise<unknown> = Promise.resolve();

  /** Jobs that run or wait. */
  get pending(): number {
    return this.#pending;
  }

  /**
   * Runs `job` after all earlier ones, whether they succeed or fail.
   *
   * @returns what `job` resolves to. @throws what `job` throws.
   */
  async run<T>(job: () => Promise<T>): Promise<T> {
    this.#pending += 1;
    const running = this.#last.then(job);
    // The caller gets the outcome; the next job only needs to know when this one is over.
    this.#last = running.then(ignore, ignore);
    try {
      return await running;
    } finally {
      this.#pending -= 1;
    }
  }
}

function ignore(): void {}
