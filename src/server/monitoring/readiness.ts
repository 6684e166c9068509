/** Whether the archive can be read, with a deadline. */

import { WatchError } from "../../errors.ts";
import type { Clock } from "../../async/clock.ts";
import type { Store } from "../../watch/ports.ts";

/** Probes wait a few seconds only, so they get an answer within this time (ms). */
const DEADLINE_MS = 2000;

export class Readiness {
  readonly #store: Store;
  readonly #clock: Clock;
  /** Concurrent checks share one read: an archive that hangs gets no further queries. */
  #asking: Promise<void> | null = null;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** @throws WatchError `archive_unavailable` */
  async check(): Promise<void> {
    const { promise: tooLong, reject } = Promise.withResolvers<never>();
    const cancel = this.#clock.after(DEADLINE_MS, () =>
      reject(
        new WatchError("archive_unavailable", `the archive has not answered within ${DEADLINE_MS / 1000} s`),
      ),
    );
    try {
      await Promise.race([this.#ask(), tooLong]);
    } finally {
      cancel();
    }
  }

  #ask(): Promise<void> {
    this.#asking ??= this.#read().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  /** A real query, because the revision may be known without one. No session has this id. */
  async #read(): Promise<void> {
    try {
      await this.#store.states([""]);
    } catch (error) {
      // Probes need no token, so the message must not say where the archive is.
      throw new WatchError("archive_unavailable", "the archive cannot be read now", { cause: error });
    }
  }
}
