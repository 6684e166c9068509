/** Leaves out repeated calls, so that a log says a thing once. */

/**
 * @param keyOf what a call is about.
 * @returns a function that calls `run` the first time for each key, and does nothing after that.
 */
export function oncePer<Args extends readonly unknown[]>(
  keyOf: (...args: Args) => string,
  run: (...args: Args) => void,
): (...args: Args) => void {
  const seen = new Set<string>();
  return (...args) => {
    const key = keyOf(...args);
    if (seen.has(key)) return;
    seen.add(key);
    run(...args);
  };
}

/**
 * @param keyOf what a call is about.
 * @param valueOf what it says about it.
 * @returns a function that calls `run` unless the last call with the same key had the same value.
 */
export function onChange<Args extends readonly unknown[]>(
  keyOf: (...args: Args) => string,
  valueOf: (...args: Args) => string,
  run: (...args: Args) => void,
): (...args: Args) => void {
  const values = new Map<string, string>();
  return (...args) => {
    const key = keyOf(...args);
    const value = valueOf(...args);
    if (values.get(key) === value) return;
    values.set(key, value);
    run(...args);
  };
}
