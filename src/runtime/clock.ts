/** The real time. */

/** Longest wait (ms) of a timer; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** When the two clocks of the machine differ by more (ms), somebody has set one, or it has slept. */
const MAX_DRIFT_MS = 5;

let originMs = performance.timeOrigin;

/** Wall-clock time with fractions of a ms, and timers that do not keep a process alive by being forgotten. */
export const systemClock = {
  now(): number {
    const wallMs = Date.now();
    // The wall clock has whole ms; the time from a commit to a client is shorter.
    const ms = originMs + performance.now();
    if (Math.abs(ms - wallMs) <= MAX_DRIFT_MS) return ms;
    originMs += wallMs - ms;
    return wallMs;
  },
  after(ms: number, run: () => void): () => void {
    // Timers cut off fractions: whoever asks the time after a wait is not to find that it is too early.
    const timer = setTimeout(run, Math.min(Math.ceil(ms), MAX_TIMER_MS));
    return () => clearTimeout(timer);
  },
};
