/** The real time. */

/** The longest wait (ms) of a timer; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Has fractions of a ms. */
export const systemClock = {
  now: (): number => performance.timeOrigin + performance.now(),
  date: (): number => Date.now(),
  after(ms: number, run: () => void): () => void {
    // Timers cut off fractions, so a wait could end too early. Bun warns of a time in the past: it is due at once.
    const timer = setTimeout(run, Math.min(Math.max(Math.ceil(ms), 0), MAX_TIMER_MS));
    return () => clearTimeout(timer);
  },
};
