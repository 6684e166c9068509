/** Time comes in as an argument: whatever waits or measures takes a clock. */

/** Time as data, and the one way to wait. */
export interface Clock {
  /**
   * Milliseconds that only go on, whatever is done to the machine's clock: for how long something takes. They began as
   * those since the epoch.
   */
  now(): number;
  /** Milliseconds since the epoch, by the machine's clock as it is set: for what people and programs are told. */
  date(): number;
  /** Calls `run` once after `ms`; the returned function forgets it. */
  after(ms: number, run: () => void): () => void;
}
