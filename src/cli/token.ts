/** The secret that clients and server share. */

import { readFileSync } from "node:fs";
import process from "node:process";
import { messageOf, WatchError } from "../errors.ts";

/**
 * @param file where it stands alone; comes before SESSIONWATCH_TOKEN.
 * @returns null if neither is given.
 * @throws WatchError `usage`; its message never has the token.
 */
export function readToken(file: string | undefined): string | null {
  if (file !== undefined) return checked(contentOf(file), `--token-file: ${JSON.stringify(file)}`);
  const token = process.env["SESSIONWATCH_TOKEN"] ?? "";
  return token === "" ? null : checked(token, "SESSIONWATCH_TOKEN");
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new WatchError("usage", `--token-file: ${messageOf(error)}`, { cause: error });
  }
}

/** It goes into a header as it is. */
function checked(text: string, place: string): string {
  const token = text.trim();
  if (/^[\u0021-\u007e]+$/.test(token)) return token;
  const why = token === "" ? "is empty" : "holds more than one word of visible ASCII characters";
  throw new WatchError("usage", `${place} ${why}`);
}
