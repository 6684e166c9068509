/** What a postgres:// URL says, with the defaults of libpq: where servers are, who asks, how safe the way must be. */

import { join } from "node:path";
import process from "node:process";
import { parseConnectionUrl } from "./connection-url.ts";
import { endpointsOf, nameOfEndpoint, SOCKET_FOLDERS } from "./endpoint.ts";
import type { Endpoint } from "./endpoint.ts";
import { settingsOf } from "./parameters.ts";
import type { Environment, Settings } from "./parameters.ts";
import { passwordIn } from "./password-file.ts";
import { refused } from "./refusal.ts";
import { tlsOf } from "./tls.ts";
import type { Tls } from "./tls.ts";

export type { Endpoint } from "./endpoint.ts";

export interface Target {
  /** Tried in this order; at least one. */
  endpoints: readonly Endpoint[];
  user: string;
  database: string;
  /** Looked up anew each time: files change. Empty where there is none. */
  password: (endpoint: Endpoint) => string;
  /** Null: the first one that exists of `sessionwatch`, `agentsview` and `public`. */
  schema: string | null;
  tls: Tls;
  /** How long (ms) a connection may take at most, if somebody said so. */
  connectMs: number | null;
  /** How the archive is called in messages: without user and password. */
  name: string;
}

export interface TargetOptions {
  /** `PGHOST` and others are defaults, as everywhere. */
  env: Environment;
  /** The user's folder; empty if there is none. */
  home: string;
  /** How the user is called on this machine, and so by default on the server. */
  osUser: string;
  /** Allows what others can read or change on the way. */
  insecure: boolean;
  /** Told on one line what is not as it should be; the same only once. */
  warn: (message: string) => void;
  /** Where a server's socket may be. @default those of PostgreSQL and of Debian */
  socketFolders?: readonly string[];
}

/**
 * Reads the files that the URL names, to see whether they can be used.
 *
 * @throws WatchError `usage` with one line that says what would be right; neither it nor any warning holds anything of
 *   what may be a password.
 */
export function parseTarget(url: string, options: TargetOptions): Target {
  const { env, osUser, insecure, socketFolders = SOCKET_FOLDERS } = options;
  const warn = onlyOnce(options.warn);
  const { hosts, ports, parameters } = parseConnectionUrl(url);
  const settings = settingsOf(parameters, env);
  const endpoints = endpointsOf(hosts, ports, env, socketFolders);
  const user = settings.get("user")?.value ?? osUser;
  if (user === "") throw refused("name a user, as in postgres://user@host/database");
  const database = settings.get("dbname")?.value ?? user;
  const folders = foldersOf(options);
  const passwordFile = settings.get("passfile")?.value ?? folders.passwordFile;
  const password = (endpoint: Endpoint): string => {
    const given = settings.get("password")?.value;
    if (given !== undefined) return given;
    if (passwordFile === null) return "";
    const host = "path" in endpoint ? endpoint.folder : endpoint.host;
    const login = {
      host: SOCKET_FOLDERS.includes(host) ? "localhost" : host,
      port: endpoint.port,
      database,
      user,
    };
    return passwordIn(passwordFile, login, warn) ?? "";
  };
  // A file that is ignored should be known of before the server asks for what is in it.
  for (const endpoint of endpoints) password(endpoint);
  return {
    endpoints,
    user,
    database,
    password,
    schema: schemaOf(settings),
    tls: tlsOf(settings, endpoints, { folder: folders.certificates, insecure, warn }),
    connectMs: connectMsOf(settings),
    name: nameOf(endpoints, database),
  };
}

function foldersOf({ env, home }: TargetOptions): {
  certificates: string | null;
  passwordFile: string | null;
} {
  if (process.platform !== "win32") {
    // Without it, names would be looked for wherever the program was started.
    if (home === "") return { certificates: null, passwordFile: null };
    return { certificates: join(home, ".postgresql"), passwordFile: join(home, ".pgpass") };
  }
  const folder = join(env["APPDATA"] ?? home, "postgresql");
  return { certificates: folder, passwordFile: join(folder, "pgpass.conf") };
}

/** Any name will do: it is always quoted. */
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

function nameOf(endpoints: readonly Endpoint[], database: string): string {
  const path = `/${encodeURIComponent(database)}`;
  const places = endpoints.map((endpoint) =>
    "path" in endpoint ? `${encodeURIComponent(endpoint.folder)}:${endpoint.port}` : nameOfEndpoint(endpoint),
  );
  return `postgres://${places.join(",")}${path}`;
}

function onlyOnce(warn: (message: string) => void): (message: string) => void {
  const told = new Set<string>();
  return (message) => {
    if (told.has(message)) return;
    told.add(message);
    warn(message);
  };
}
