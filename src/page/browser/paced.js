/** Limits how often a task runs. */

/** Time (ms) between two runs of the same task, however fast an agent writes. */
const PAUSE_MS = 250;

/**
 * @param {() => Promise<void>} task must not throw.
 * @returns a function that runs `task` now; while it runs or has just run, once more afterwards.
 */
export function paced(task) {
  let isRunning = false;
  let isWanted = false;
  return async () => {
    isWanted = true;
    if (isRunning) return;
    isRunning = true;
    while (isWanted) {
      isWanted = false;
      await task();
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    isRunning = false;
  };
}
