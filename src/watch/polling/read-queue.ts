/** One after another: reads of an archive that never overlap, so that what arrives later is never older. */

export interface TurnsOptions {
  /** Reads what is needed by those who are joining. Called without delay if no other turn is under way. */
  join: () => Promise<void>;
  /** Looks at everything that is followed. */
  look: () => Promise<void>;
}

/** Both come as often as they are asked for, but what is asked for meanwhile is done in one go. */
export class Turns {
  readonly #options: TurnsOptions;
  #joinWanted = false;
  #lookWanted = false;
  /** Resolves after the next look. */
  #nextLook = Promise.withResolvers<void>();
  #isRunning = false;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  join(): void {
    this.#joinWanted = true;
    if (!this.#isRunning) void this.#run();
  }

  /** Resolves after the first look that began after this call; hints are never lost and never pile up. */
  look(): Promise<void> {
    const { promise } = this.#nextLook;
    this.#lookWanted = true;
    if (!this.#isRunning) void this.#run();
    return promise;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    // A look is never done before its promise is known; and hints of one moment become one look.
    if (!this.#joinWanted) await Promise.resolve();
    try {
      while (this.#joinWanted || this.#lookWanted) {
        if (this.#joinWanted) {
          this.#joinWanted = false;
          await this.#options.join();
        }
        if (this.#lookWanted) {
          this.#lookWanted = false;
          const { resolve } = this.#nextLook;
          this.#nextLook = Promise.withResolvers();
          // Not at the end of all looks: where changes never cease, there is none.
          await this.#options.look().finally(resolve);
        }
      }
    } finally {
      this.#isRunning = false;
    }
  }
}
