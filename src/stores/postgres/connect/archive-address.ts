/** Everything that a postgres:// URL and the PG* variables say about an archive, with the defaults of libpq. */

import { homedir, userInfo } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { oncePer } from "../../../async/once.ts";
import { parseConnectionUrl } from "./connection-url.ts";
import { refused, settingsOf } from "./parameters.ts";
import type { Environment, Settings } from "./parameters.ts";
import { passwordIn } from "./password-file.ts";
import { nameOfServer, serversOf, SOCKET_FOLDERS } from "./server-address.ts";
import type { ServerAddress } from "./server-address.ts";
import { tlsSettingsOf } from "./tls-settings.ts";
import type { TlsSettings } from "./tls-settings.ts";

export interface ArchiveAddress {
  /** Tried in this order; at least one. */
  servers: readonly ServerAddress[];
  user: string;
  database: string;
  /** Reads the password file again each time, because it may change; empty if there is no password. */
  password: (server: ServerAddress) => string;
  /** Null for the first of the usual schemas that holds an archive. */
  schema: string | null;
  tls: TlsSettings;
  /** Upper limit (ms) of `connect_timeout` for a connection; null if it is not set. */
  connectMs: number | null;
  /** The archive's name in messages: without user and password. */
  name: string;
}

export interface SystemAddressOptions {
  /** Allows connections that others can read or change. @default false */
  insecure?: boolean;
  /** Gets one line per problem that is no reason to fail, each only once. @default no warnings */
  warn?: (message: string) => void;
}

export interface AddressOptions extends Required<SystemAddressOptions> {
  env: Environment;
  /** The user's home folder; empty if there is none. */
  home: string;
  /** The user's name on this machine: the default for that on the server. */
  osUser: string;
  /** @default those of PostgreSQL and of Debian */
  socketFolders?: readonly string[];
}

/** The address that a URL means to this process. @throws WatchError `usage` */
export function systemAddress(url: string, options: SystemAddressOptions = {}): ArchiveAddress {
  const { insecure = false, warn = () => undefined } = options;
  return parseArchiveAddress(url, { env: process.env, home: homedir(), osUser: userName(), insecure, warn });
}

/**
 * Also reads the files that the URL names, to report early those that cannot be used.
 *
 * @throws WatchError `usage` with one line that says what to change; neither it nor a warning contains a password.
 */
export function parseArchiveAddress(url: string, options: AddressOptions): ArchiveAddress {
  const { env, home, osUser, insecure, socketFolders = SOCKET_FOLDERS } = options;
  const warn = oncePer((message: string) => message, options.warn);
  const settings = settingsOf(parseConnectionUrl(url), env);
  const servers = serversOf(settings, socketFolders);
  const user = settings.get("user")?.value ?? osUser;
  if (user === "") throw refused("name a user, as in postgres://user@host/database");
  const database = settings.get("dbname")?.value ?? user;
  const files = filesOf(env, home);
  const passwordFile = settings.get("passfile")?.value ?? files.passwords;
  const password = (server: ServerAddress): string =>
    settings.get("password")?.value ?? passwordIn(passwordFile, { server, database, user }, warn);
  // Warns of a file that cannot be used before a server asks for the password in it.
  for (const server of servers) password(server);
  return {
    servers,
    user,
    database,
    password,
    schema: schemaOf(settings),
    tls: tlsSettingsOf(settings, servers, files.certificates, { insecure, warn }),
    connectMs: connectMsOf(settings),
    name: nameOf(servers, database),
  };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // In a container the user may have no name; then the URL must name one.
    return "";
  }
}

function filesOf(env: Environment, home: string): { certificates: string; passwords: string } {
  if (process.platform === "win32") {
    const folder = join(env["APPDATA"] ?? home, "postgresql");
    return { certificates: folder, passwords: join(folder, "pgpass.conf") };
  }
  // Without a home folder, relative paths would name files of the folder that the program starts in.
  return { certificates: home && join(home, ".postgresql"), passwords: home && join(home, ".pgpass") };
}

function schemaOf(settings: Settings): string | null {
  const schema = settings.get("schema")?.value ?? null;
  if (schema !== null && (/\p{Cc}/u.test(schema) || Buffer.byteLength(schema) > 63))
    throw refused("schema must be a name of 1 to 63 bytes, without control characters");
  return schema;
}

function connectMsOf(settings: Settings): number | null {
  const setting = settings.get("connect_timeout");
  if (setting === undefined) return null;
  if (!/^[1-9]\d{0,5}$/.test(setting.value))
    throw refused(`${setting.source} must be a whole number of seconds, 1 or more`);
  return Number(setting.value) * 1000;
}

function nameOf(servers: readonly ServerAddress[], database: string): string {
  const names = servers.map((server) =>
    "path" in server ? `${encodeURIComponent(server.folder)}:${server.port}` : nameOfServer(server),
  );
  return `postgres://${names.join(",")}/${encodeURIComponent(database)}`;
}
