/** The real time. */

/** Longest wait (ms) of a timer; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** Time with fractions of a ms, and timers that do not keep a process alive by being forgotten. */
export const systemClock = {
  now: (): number => performance.timeOrigin + performance.now(),
  date: (): number => Date.now(),
  after(ms: number, run: () => void): () => void {
    // Timers cut off fractions: whoever asks the time after a wait is not to find that it is too early.
    const timer = setTimeout(run, Math.min(Math.ceil(ms), MAX_TIMER_MS));
    return () => clearTimeout(timer);
  },
};
