/** Passwords from a user's own file. @see https://www.postgresql.org/docs/18/libpq-pgpass.html */

import { readFileSync, statSync } from "node:fs";
import process from "node:process";
import { codeOf, reasonOf } from "../../../async/failure-words.ts";
import { SOCKET_FOLDERS } from "./server-address.ts";
import type { ServerAddress } from "./server-address.ts";

export interface Login {
  server: ServerAddress;
  database: string;
  user: string;
}

/**
 * @param warn gets the reason why an existing file is ignored.
 * @returns empty if the file does not exist or has no password for the login.
 */
export function passwordIn(path: string, login: Login, warn: (message: string) => void): string {
  const { server, database, user } = login;
  const place = "path" in server ? server.folder : server.host;
  const host = SOCKET_FOLDERS.includes(place) ? "localhost" : place;
  const wanted = [host, String(server.port), database, user];
  for (const line of contentOf(path, warn).split(/\r?\n/)) {
    if (line.startsWith("#")) continue;
    const fields = line.match(FIELD) ?? [];
    if (fields.length <= wanted.length) continue;
    // The first line that matches decides, even if its password is empty.
    if (wanted.every((value, index) => fields[index] === "*" || plain(fields[index]) === value))
      return plain(fields[wanted.length]);
  }
  return "";
}

/** The text between two colons; a backslash makes the character after it an ordinary one. */
const FIELD = /(?<=^|:)(?:\\.|[^\\:])*\\?(?=:|$)/g;

function plain(field = ""): string {
  return field.replace(/\\(.)/g, "$1");
}

function contentOf(path: string, warn: (message: string) => void): string {
  const ignored = (reason: string): string => {
    warn(`the password file ${path} is ignored: ${reason}`);
    return "";
  };
  try {
    const stat = statSync(path);
    if (!stat.isFile()) return ignored("it is not a plain file");
    // On Windows, the mode does not say who may read a file.
    if (process.platform !== "win32" && (stat.mode & 0o077) !== 0)
      return ignored("others may read it; chmod 600 helps");
    return readFileSync(path, "utf8");
  } catch (error) {
    return ["ENOENT", "ENOTDIR"].includes(codeOf(error) ?? "") ? "" : ignored(reasonOf(error));
  }
}
