/**
 * Parses postgres:// URLs as libpq does: several hosts, folders as hosts. Messages never repeat the URL, because an
 * unencoded password can end up in any part of it.
 *
 * @see https://www.postgresql.org/docs/18/libpq-connect.html#LIBPQ-CONNSTRING-URIS
 */

import { isParameter, refused, unsupported } from "./parameters.ts";
import type { Parameter } from "./parameters.ts";

const ENCODED =
  'in a user, password or database write "%" as %25, "/" as %2F, ":" as %3A, "@" as %40, "?" as %3F, "&" as %26';

/** @returns `host` and `port` as comma lists. @throws WatchError `usage` */
export function parseConnectionUrl(url: string): ReadonlyMap<Parameter, string> {
  const [, rest] = /^postgres(?:ql)?:\/\/([^]*)$/i.exec(url) ?? [];
  if (rest === undefined) throw refused("a PostgreSQL archive is written postgres://user@host/database");
  if (/[\s\p{Cc}]/u.test(rest)) throw refused("a URL contains no blanks; a space in a URL is written %20");
  const [, login = "", hosts, path = "", query = ""] =
    /^(?:([^@/?]*)@)?([^@/?]*)\/?([^?@]*)\??([^@]*)$/.exec(rest) ?? [];
  if (hosts === undefined) throw refused(`an "@" is not encoded; ${ENCODED}`);
  const [, user = "", password = ""] = /^([^:]*):?([^]*)$/.exec(login) ?? [];
  const servers = hosts.split(",").map(splitPort);
  const ports = servers.map(({ port }) => port);
  const parameters = new Map<Parameter, string>();
  for (const [name, text] of [
    ["user", user],
    ["password", password],
    ["host", servers.map(({ host }) => host).join(",")],
    ["port", ports.some((port) => port !== "") ? ports.join(",") : ""],
    ["dbname", path],
  ] as const)
    if (text !== "") parameters.set(name, decoded(text));
  addQuery(parameters, query);
  return parameters;
}

function splitPort(text: string): { host: string; port: string } {
  const [match, address, name = "", port = ""] =
    /^(?:\[([^\]]*)\]|([^:[\]]*))(?::([^:]*))?$/.exec(text) ?? [];
  if (match === undefined) throw refused(`a host is written host, host:port or [::1]:port; ${ENCODED}`);
  if (address === "") throw refused("the brackets hold no address; write it as in [::1]");
  return { host: address ?? name, port };
}

function addQuery(parameters: Map<Parameter, string>, query: string): void {
  // The name of a parameter after a password may be the rest of it.
  let isAfterPassword = false;
  for (const item of query === "" ? [] : query.split("&")) {
    const [, encodedName = "", value] = /^([^=]*)=([^]*)$/.exec(item) ?? [];
    if (value === undefined || encodedName === "")
      throw refused(`after "?", parameters are written name=value and separated by "&"; ${ENCODED}`);
    const name = decoded(encodedName);
    if (!isParameter(name)) throw unsupported(!isAfterPassword && /^\w{1,40}$/.test(name) ? name : null);
    if (parameters.has(name)) throw refused(`${name} is given twice; once is enough`);
    parameters.set(name, decoded(value));
    isAfterPassword ||= name === "password";
  }
}

function decoded(text: string): string {
  if (text.includes("%00")) throw refused("%00 is no character that a server accepts; leave it out");
  try {
    return decodeURIComponent(text);
  } catch {
    // Without the cause, which repeats the text.
    throw refused(`a "%" is not followed by the code of a character; ${ENCODED}`);
  }
}
