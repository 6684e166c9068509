/** What a postgres:// URL says: where the server is, who asks, and how safe the way there must be. */

import { WatchError } from "../../errors.ts";

/** Where a server listens: over TCP, or at a socket in the file system. */
export type Endpoint = { host: string; port: number } | { path: string };

export interface Target {
  /** Tried in this order; at least one. */
  endpoints: readonly Endpoint[];
  user: string;
  database: string;
  /** Null where the server asks for none. */
  password: string | null;
  /** Null: the first one that exists of `sessionwatch`, `agentsview` and `public`. */
  schema: string | null;
  /** How the archive is called in messages: without user and password. */
  name: string;
}

/** @throws WatchError `usage` */
export function parseTarget(url: string): Target {
  const parsed = new URL(url);
  const host = parsed.hostname;
  if (host === "") throw new WatchError("usage", "--db: name a host, as in postgres://user@host/database");
  const port = parsed.port === "" ? 5432 : Number(parsed.port);
  const user = decodeURIComponent(parsed.username);
  const database = decodeURIComponent(parsed.pathname.slice(1)) || user;
  return {
    endpoints: [{ host, port }],
    user,
    database,
    password: decodeURIComponent(parsed.password) || null,
    schema: parsed.searchParams.get("schema"),
    name: `postgres://${host}:${port}/${database}`,
  };
}
