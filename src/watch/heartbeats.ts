/** Fills the silence of a stream of updates. */

import type { Clock } from "../async/clock.ts";
import { heartbeat } from "../session/events.ts";
import type { Heartbeat } from "../session/events.ts";

/** Yields what `events` yields, and a heartbeat after each `silenceMs` without any. */
export async function* withHeartbeats<T>(
  events: AsyncIterator<T, void>,
  clock: Clock,
  silenceMs: number,
): AsyncGenerator<T | Heartbeat, void, void> {
  try {
    for (;;) {
      const next = events.next();
      const arrival = new Arrival(next, clock);
      while (!(await arrival.within(silenceMs))) yield heartbeat(clock.date());
      const result = await next;
      if (result.done === true) return;
      yield result.value;
    }
  } finally {
    await events.return?.();
  }
}

/** Waits for a promise in portions; unlike `Promise.race` in a loop it leaves nothing behind on the promise. */
class Arrival {
  readonly #clock: Clock;
  #arrived = false;
  #onArrival: () => void = nobodyWaits;

  constructor(promise: Promise<unknown>, clock: Clock) {
    this.#clock = clock;
    const arrive = (): void => {
      this.#arrived = true;
      this.#onArrival();
    };
    promise.then(arrive, arrive);
  }

  /** @returns whether the promise has settled, at the latest after `ms`. */
  within(ms: number): Promise<boolean> {
    if (this.#arrived) return Promise.resolve(true);
    return new Promise((resolve) => {
      const forget = this.#clock.after(ms, () => resolve(false));
      this.#onArrival = () => {
        forget();
        resolve(true);
      };
    });
  }
}

function nobodyWaits(): void {}
