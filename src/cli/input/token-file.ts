/** The token of a server, from a file or the environment: arguments are visible to every process. */

import { readFileSync, statSync } from "node:fs";
import process from "node:process";
import { messageOf, WatchError } from "../../errors.ts";

/** Permission bits of a file that its group or everyone can read. */
const OTHERS_MAY_READ = 0o044;

/**
 * @param file takes precedence over `SESSIONWATCH_TOKEN`.
 * @returns null without a token.
 * @throws WatchError `usage`; no message holds any part of the token.
 */
export function readToken(file: string | undefined): string | null {
  if (file !== undefined) return checked(contentOf(file), `--token-file ${file}`);
  const token = process.env["SESSIONWATCH_TOKEN"];
  return token === undefined || token === "" ? null : checked(token.trim(), "SESSIONWATCH_TOKEN");
}

/** @returns whether other users of this machine can read the file; false on Windows, which has no such bits. */
export function canOthersRead(file: string): boolean {
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
  // An HTTP header can hold nothing else.
  if (!/^[!-~]+$/.test(token))
    throw new WatchError("usage", `${source}: the token is not one word of ASCII characters; ${advice}`);
  return token;
}
