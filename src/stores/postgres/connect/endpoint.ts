/** Where servers listen. */

import { existsSync } from "node:fs";
import { isIP } from "node:net";
import type { Environment } from "./parameters.ts";
import { refused } from "./refusal.ts";

/** Over TCP, or at a socket in the file system; the port is a part of the socket's name. */
export type Endpoint = { host: string; port: number } | { path: string; folder: string; port: number };

/** Where servers put their sockets: Debian's, and everybody else's. A password file calls both `localhost`. */
export const SOCKET_FOLDERS: readonly string[] = ["/var/run/postgresql", "/tmp"];

/**
 * @param hosts as the URL has them; where it has none, `PGHOST` says where, or a socket that is there.
 * @param ports likewise; one of them is meant for all hosts.
 * @returns at least one.
 * @throws WatchError `usage`
 */
export function endpointsOf(
  hosts: readonly string[],
  ports: readonly string[],
  env: Environment,
  socketFolders: readonly string[],
): Endpoint[] {
  const places = hosts.length > 0 ? hosts : (env["PGHOST"] ?? "").split(",");
  const numbers = ports.some((port) => port !== "") ? ports : (env["PGPORT"] ?? "").split(",");
  if (numbers.length > 1 && numbers.length !== places.length)
    throw refused(
      `there are ${numbers.length} ports for ${places.length} hosts; give one for each, or one for all`,
    );
  return places.map((place, index) => {
    const port = portOf((numbers.length > 1 ? numbers[index] : numbers[0]) ?? "");
    return endpointOf(place === "" ? defaultPlace(port, socketFolders) : place, port);
  });
}

/** @returns as it stands in a URL. */
export function nameOfEndpoint(endpoint: Endpoint): string {
  if ("path" in endpoint) return endpoint.path;
  const { host, port } = endpoint;
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

/** @returns whether what is sent there stays on this machine. */
export function isLocal(endpoint: Endpoint): boolean {
  if ("path" in endpoint) return true;
  const { host } = endpoint;
  if (isIP(host) === 4) return host.startsWith("127.");
  if (isIP(host) !== 6) return host.toLowerCase() === "localhost";
  // The shortest form; addresses of version 4 that stand in it begin with ::ffff: and are hexadecimal.
  const address = URL.parse(`http://[${host}]`)?.hostname ?? "";
  return address === "[::1]" || /^\[::ffff:7f[0-9a-f]{2}:/.test(address);
}

function endpointOf(place: string, port: number): Endpoint {
  if (place.startsWith("/")) return socketIn(place, port);
  // Of a name, no more is certain. It may be the rest of a password, so that it is not repeated.
  if (isIP(place) === 0 && !/^[\p{L}\p{N}._-]+$/u.test(place))
    throw refused(
      "a host is a name, an address, or the folder of a socket; user and password end with an @ before it",
    );
  return { host: place, port };
}

function socketIn(folder: string, port: number): Endpoint {
  const path = `${folder.replace(/(?<=.)\/+$/, "")}/.s.PGSQL.${port}`;
  // What the kernel has room for, on Linux; elsewhere it is a little less.
  if (Buffer.byteLength(path) > 107) throw refused("the folder of the socket has too long a name");
  return { path, folder, port };
}

function portOf(text: string): number {
  const port = text === "" ? 5432 : Number(text);
  if (!/^\d*$/.test(text) || port < 1 || port > 65_535)
    throw refused(
      'a port is a number from 1 to 65535; in a password write "/" as %2F, "?" as %3F and "@" as %40',
    );
  return port;
}

function defaultPlace(port: number, socketFolders: readonly string[]): string {
  return socketFolders.find((folder) => existsSync(`${folder}/.s.PGSQL.${port}`)) ?? "localhost";
}
