/** Finds another program as a shell would, without a shell: `delegate.ts` needs it, transcripts do not. */

import { accessSync, constants, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";

/** What Windows can start by itself: a batch file would need a shell, which takes arguments apart in its own way. */
const STARTABLE = new Set([".exe", ".com"]);

/**
 * @param env its `PATH` is searched. Relative folders in it are ignored: others may control them.
 * @returns the absolute path of the first that can be executed; null if there is none.
 */
export function findExecutable(
  name: string,
  env: NodeJS.ProcessEnv,
  platform: NodeJS.Platform,
): string | null {
  const isWindows = platform === "win32";
  const folders = (env["PATH"] ?? "").split(isWindows ? ";" : ":").filter((folder) => isAbsolute(folder));
  const endings = isWindows ? windowsEndings(env) : [""];
  const candidates = folders.flatMap((folder) => endings.map((ending) => join(folder, name + ending)));
  return candidates.find(isExecutable) ?? null;
}

function windowsEndings(env: NodeJS.ProcessEnv): string[] {
  const endings = (env["PATHEXT"] ?? ".COM;.EXE").split(";");
  return endings.filter((ending) => STARTABLE.has(ending.toLowerCase()));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    // Not there, or not for us: the next folder may have one.
    return false;
  }
}
