/** Passwords in a file of the user's own. @see https://www.postgresql.org/docs/18/libpq-pgpass.html */

import { readFileSync, statSync } from "node:fs";
import process from "node:process";

/** What a password is for. */
export interface Login {
  /** The folder where the server's socket is; `localhost` if it is a usual one. */
  host: string;
  port: number;
  database: string;
  user: string;
}

/**
 * @param warn is told why a file that is there is not used.
 * @returns null where the file has none, or is not there.
 */
export function passwordIn(path: string, login: Login, warn: (message: string) => void): string | null {
  const text = contentOf(path, warn);
  const wanted = [login.host, String(login.port), login.database, login.user];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith("#")) continue;
    const fields = line.match(FIELD) ?? [];
    if (fields.length <= wanted.length) continue;
    const isMeant = wanted.every((value, index) => fields[index] === "*" || plain(fields[index]) === value);
    // The first one decides, even if it is empty.
    if (isMeant) return plain(fields[wanted.length]) || null;
  }
  return null;
}

/** What stands between two colons. A backslash takes away the meaning of what follows it. */
const FIELD = /(?<=^|:)(?:\\.|[^\\:])*\\?(?=:|$)/g;

function plain(field = ""): string {
  return field.replace(/\\(.)/g, "$1");
}

function contentOf(path: string, warn: (message: string) => void): string {
  try {
    const stat = statSync(path);
    if (!stat.isFile()) warn(`the password file ${path} is ignored: it is not a plain file`);
    // Windows keeps elsewhere who may read a file.
    else if (process.platform !== "win32" && (stat.mode & 0o077) !== 0)
      warn(`the password file ${path} is ignored: others may read it; chmod 600 helps`);
    else return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "ENOTDIR")
      warn(`the password file ${path} is ignored: it cannot be read (${code})`);
  }
  return "";
}
