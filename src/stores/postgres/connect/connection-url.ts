/**
 * The grammar of postgres:// URLs, as libpq has it: several hosts, folders as hosts, nothing but `%` is an escape.
 *
 * No message repeats any of the URL: where a password was not encoded, its rest is anywhere.
 *
 * @see https://www.postgresql.org/docs/18/libpq-connect.html#LIBPQ-CONNSTRING-URIS
 */

import { isParameter } from "./parameters.ts";
import { refused } from "./refusal.ts";

export interface ConnectionUrl {
  /** Empty where the default is meant. */
  hosts: readonly string[];
  /** As many as there are hosts, or one for all, or none; each empty where the default is meant. */
  ports: readonly string[];
  /** All others, by their names in libpq: also `user`, `password` and `dbname`. */
  parameters: ReadonlyMap<string, string>;
}

/** @throws WatchError `usage` */
export function parseConnectionUrl(url: string): ConnectionUrl {
  const [, rest] = /^postgres(?:ql)?:\/\/([^]*)$/i.exec(url) ?? [];
  if (rest === undefined) throw refused("a PostgreSQL archive is written postgres://user@host/database");
  if (/[\s\p{Cc}]/u.test(rest)) throw refused("a space in a URL is written %20, and nothing else is blank");
  const [, authority = "", path = "", query = ""] = /^([^/?]*)\/?([^?]*)\??([^]*)$/.exec(rest) ?? [];
  const [userAndPassword, hostsAndPorts, ...others] = authority.includes("@")
    ? authority.split("@")
    : ["", authority];
  if (others.length > 0 || `${path}${query}`.includes("@"))
    throw refused(`an "@" is not encoded; ${ENCODED}`);
  const parameters = new Map<string, string>();
  addUser(parameters, userAndPassword ?? "");
  const { hosts, ports } = splitHosts(hostsAndPorts ?? "");
  if (path !== "") parameters.set("dbname", decoded(path));
  for (const [name, value] of splitQuery(query)) {
    const isInAuthority =
      (name === "host" && hosts.length > 0) || (name === "port" && ports.some((port) => port !== ""));
    if (isInAuthority || parameters.has(name))
      throw refused(`${shownName(name)} is given twice; once is enough`);
    parameters.set(name, value);
  }
  return {
    hosts: taken(parameters, "host") ?? hosts,
    ports: taken(parameters, "port") ?? ports,
    parameters,
  };
}

const ENCODED =
  'in a user, password or database write "%" as %25, "/" as %2F, ":" as %3A, "@" as %40, "?" as %3F, "&" as %26';

function addUser(parameters: Map<string, string>, userAndPassword: string): void {
  const [, user = "", password = ""] = /^([^:]*):?([^]*)$/.exec(userAndPassword) ?? [];
  if (user !== "") parameters.set("user", decoded(user));
  if (password !== "") parameters.set("password", decoded(password));
}

function splitHosts(text: string): { hosts: string[]; ports: string[] } {
  if (text === "") return { hosts: [], ports: [] };
  const hosts: string[] = [];
  const ports: string[] = [];
  for (const item of text.split(",")) {
    const [, address, name = "", port = ""] =
      /^(?:\[([^\]]*)\]|([^:[\]]*))(?::([^:]*))?$/.exec(item) ?? fail();
    if (address === "") throw refused("the brackets hold no address; write it as in [::1]");
    hosts.push(decoded(address ?? name));
    ports.push(decoded(port));
  }
  return { hosts, ports };
}

function fail(): never {
  throw refused(`a host is written host, host:port or [::1]:port; ${ENCODED}`);
}

function* splitQuery(query: string): Iterable<[name: string, value: string]> {
  if (query === "") return;
  for (const item of query.split("&")) {
    const [, name = "", value] = /^([^=]*)=([^]*)$/.exec(item) ?? [];
    if (value === undefined || name === "")
      throw refused(`after "?", parameters are written name=value and separated by "&"; ${ENCODED}`);
    yield [decoded(name), decoded(value)];
  }
}

/** Any other name may be the rest of a password that was not encoded. */
function shownName(name: string): string {
  return isParameter(name) ? name : "a parameter";
}

function taken(parameters: Map<string, string>, name: string): string[] | undefined {
  const value = parameters.get(name);
  parameters.delete(name);
  return value?.split(",");
}

function decoded(text: string): string {
  const plain = decodedOrNull(text);
  if (plain === null) throw refused(`a "%" is not followed by the code of a character; ${ENCODED}`);
  if (plain.includes("\0")) throw refused("%00 is no character that a server takes; leave it out");
  return plain;
}

function decodedOrNull(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    // The error would repeat the text.
    return null;
  }
}
