/** Where a server listens: a host and port, or a socket in the file system. */

import { existsSync } from "node:fs";
import { isIP } from "node:net";
import { inUrl, isLoopback } from "../../../addresses.ts";
import { refused } from "./parameters.ts";
import type { Settings } from "./parameters.ts";

/** The port is a part of the socket's name. */
export type ServerAddress = { host: string; port: number } | { path: string; folder: string; port: number };

/** Where servers create their sockets: on Debian, and elsewhere. A password file calls both `localhost`. */
export const SOCKET_FOLDERS: readonly string[] = ["/var/run/postgresql", "/tmp"];

/**
 * @param socketFolders searched for a socket where no host is named; without one, the host is localhost.
 * @returns at least one. @throws WatchError `usage`
 */
export function serversOf(settings: Settings, socketFolders: readonly string[]): ServerAddress[] {
  const hosts = (settings.get("host")?.value ?? "").split(",");
  const ports = (settings.get("port")?.value ?? "").split(",").map(portOf);
  const [first = 5432] = ports;
  if (ports.length > 1 && ports.length !== hosts.length)
    throw refused(
      `there are ${ports.length} ports for ${hosts.length} hosts; give one for each, or one for all`,
    );
  return hosts.map((host, index) => serverAt(host, ports[index] ?? first, socketFolders));
}

/** @returns the address as a URL has it. */
export function nameOfServer(server: ServerAddress): string {
  if ("path" in server) return server.path;
  return `${inUrl(server.host)}:${server.port}`;
}

/** @returns whether what is sent there stays on this machine. */
export function isLocal(server: ServerAddress): boolean {
  return "path" in server || isLoopback(server.host);
}

function serverAt(place: string, port: number, socketFolders: readonly string[]): ServerAddress {
  const host =
    place || (socketFolders.find((folder) => existsSync(`${folder}/.s.PGSQL.${port}`)) ?? "localhost");
  if (host.startsWith("/")) {
    const path = `${host.replace(/(?<=.)\/+$/, "")}/.s.PGSQL.${port}`;
    // Linux has room for 107 bytes, other systems for a little less.
    if (Buffer.byteLength(path) > 107) throw refused("the path of the socket's folder is too long");
    return { path, folder: host, port };
  }
  // The text may be the rest of a password, so the message does not repeat it.
  if (isIP(host) === 0 && !/^[\p{L}\p{N}._-]+$/u.test(host))
    throw refused(
      "a host is a name, an address, or the folder of a socket; user and password end with an @ before it",
    );
  return { host, port };
}

function portOf(text: string): number {
  const port = text === "" ? 5432 : Number(text);
  if (!/^\d*$/.test(text) || port < 1 || port > 65_535)
    throw refused(
      'a port is a number from 1 to 65535; in a password write "/" as %2F, "?" as %3F and "@" as %40',
    );
  return port;
}
