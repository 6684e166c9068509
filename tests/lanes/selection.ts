/** Which test files run. */

/**
 * @param files every test file, relative to the root of the project.
 * @param lanePaths files and folders of the lane.
 * @param wanted parts of paths, as `bun test` takes them; empty: everything in the lane.
 */
export function selectFiles(
  files: readonly string[],
  lanePaths: readonly string[],
  wanted: readonly string[],
): string[] {
  const parts = wanted.map((part) => part.replace(/^\.\//, ""));
  return files
    .filter((file) => lanePaths.some((path) => file === path || file.startsWith(`${path}/`)))
    .filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)))
    .toSorted();
}
