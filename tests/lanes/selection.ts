/** Which test files run, and which of them at the same time. */

export interface Selection {
  together: string[];
  /** After the others, one by one. */
  alone: string[];
}

/**
 * @param files every test file, relative to the root of the project.
 * @param lanePaths files and folders of the lane.
 * @param wanted parts of paths, as `bun test` takes them; empty: everything in the lane.
 */
export function selectFiles(
  files: readonly string[],
  lanePaths: readonly string[],
  wanted: readonly string[],
  aloneFiles: readonly string[],
): Selection {
  const parts = wanted.map((part) => part.replace(/^\.\//, ""));
  const chosen = files
    .filter((file) => lanePaths.some((path) => file === path || file.startsWith(`${path}/`)))
    .filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)))
    .toSorted();
  return {
    together: chosen.filter((file) => !aloneFiles.includes(file)),
    alone: chosen.filter((file) => aloneFiles.includes(file)),
  };
}
