/** Keeps a task from running as often as it is asked for. */

/** Between two runs of the same task, in ms, however fast an agent writes. */
const PAUSE_MS = 250;

/**
 * @param {() => Promise<void>} task must not throw.
 * @returns a function that runs `task` now or, while it runs or has just run, once more afterwards.
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
