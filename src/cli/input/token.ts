/** The token of a server: from a file or from the environment, never from an argument, which every process can see. */

import { readFileSync, statSync } from "node:fs";
import process from "node:process";
import { messageOf, WatchError } from "../../errors.ts";

/** For the owner alone, as `chmod 600` leaves it. */
const OTHERS_MAY_READ = 0o044;

/**
 * @param file comes before `SESSIONWATCH_TOKEN`.
 * @returns null if there is none.
 * @throws WatchError `usage`; no message holds any of the token.
 */
export function readToken(file: string | undefined): string | null {
  if (file !== undefined) return checked(contentOf(file), `--token-file ${file}`);
  const token = process.env["SESSIONWATCH_TOKEN"];
  return token === undefined || token === "" ? null : checked(token.trim(), "SESSIONWATCH_TOKEN");
}

/** @returns whether others on this machine may read the file. Windows keeps that elsewhere. */
export function isExposed(file: string): boolean {
  return process.platform !== "win32" && (statSync(file).mode & OTHERS_MAY_READ) !== 0;
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    throw new WatchError("usage", `--token-file: cannot read ${file}: ${messageOf(error)}`, { cause: error });
  }
}

function checked(token: string, source: string): string {
  const advice = "put one line of random letters and digits there";
  if (token === "") throw new WatchError("usage", `${source}: there is no token; ${advice}`);
  // Anything else does not fit into a header.
  if (!/^[!-~]+$/.test(token))
    throw new WatchError("usage", `${source}: the token is not one word of ASCII; ${advice}`);
  return token;
}
