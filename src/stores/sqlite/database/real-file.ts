/** Resolves links to the archive without opening it. */

import { lstatSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

/**
 * Never `realpathSync` on the archive itself: outside Linux, Bun opens the file for it, and closing any descriptor of
 * a file drops all POSIX locks of the process on it (https://www.sqlite.org/howtocorrupt.html, section 2.2).
 *
 * @throws when there is no such file.
 */
export function realFile(path: string): string {
  // This also throws if links form a circle.
  statSync(path);
  const file = join(realpathSync(dirname(path)), basename(path));
  if (!lstatSync(file).isSymbolicLink()) return file;
  return realFile(resolve(dirname(file), readlinkSync(file)));
}
