/** The real time. */

/** Longest wait (ms) of a timer; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** Time with fractions of a ms, and timers that do not keep a process alive by being forgotten. */
export const systemClock = {
  now: (): number => performance.timeOrigin + performance.now(),
  date: (): number => Date.now(),
  after(ms: number, run: () => void): () => void {
    // Timers cut off fractions, so a wait could end too early. A time in the past is due at once: Bun warns of it.
    const timer = setTimeout(run, Math.min(Math.max(Math.ceil(ms), 0), MAX_TIMER_MS));
    return () => clearTimeout(timer);
  },
};
