/** Whether the archive can be read: found out in time, or not waited for. */

import { WatchError } from "../../errors.ts";
import type { Clock } from "../../async/clock.ts";
import type { Store } from "../../watch/ports.ts";

/** Whoever asks is told something within so long (ms): probes wait for a few seconds only. */
const DEADLINE_MS = 2000;

export class Readiness {
  readonly #store: Store;
  readonly #clock: Clock;
  /** One question at a time, however many ask: an archive that hangs is not asked again and again. */
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

  /** A real read, not only whether anything has changed. No session has this id. */
  async #read(): Promise<void> {
    try {
      await this.#store.states([""]);
    } catch (error) {
      // Probes need no token: where the archive is, is not for everybody.
      throw new WatchError("archive_unavailable", "the archive cannot be read now", { cause: error });
    }
  }
}
