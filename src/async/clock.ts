/** Time as an argument: everything that waits or measures takes a clock. */

/** Tells the time, and waits. */
export interface Clock {
  /**
   * Monotonic milliseconds, for durations: setting the machine's clock does not move them. They start as milliseconds
   * since the epoch.
   */
  now(): number;
  /** Milliseconds since the epoch by the machine's clock, for timestamps that people and programs see. */
  date(): number;
  /** Calls `run` once after `ms`. @returns a function that cancels the call. */
  after(ms: number, run: () => void): () => void;
}
