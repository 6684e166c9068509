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
  #running: Promise<void> | null = null;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  join(): void {
    this.#joinWanted = true;
    this.#running ??= this.#run();
  }

  /** Resolves after a look that began after this call; hints are never lost and never pile up. */
  look(): Promise<void> {
    this.#lookWanted = true;
    this.#running ??= this.#run();
    return this.#running;
  }

  async #run(): Promise<void> {
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
          await this.#options.look();
        }
      }
    } finally {
      this.#running = null;
    }
  }
}
