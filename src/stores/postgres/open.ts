/** Opens a PostgreSQL archive: ours, or somebody else's. */

import { homedir, userInfo } from "node:os";
import process from "node:process";
import type { Archive } from "../../watch/archive.ts";
import type { Store } from "../../watch/ports.ts";
import { PostgresStore } from "./store.ts";
import { parseTarget } from "./target.ts";

export interface OpenPostgresOptions {
  /** Read an archive where others could read along. @default false */
  insecure?: boolean;
  /** Told on one line what is not as it should be. @default nobody is told */
  warn?: (message: string) => void;
}

/** @throws WatchError `usage`, `archive_unavailable`, `archive_unusable`. */
export async function openPostgres(
  url: string,
  options: OpenPostgresOptions = {},
): Promise<{ store: Store; archive: Archive | undefined }> {
  const { insecure = false, warn = () => undefined } = options;
  const surroundings = { env: process.env, home: homedir(), osUser: userName() };
  const store = new PostgresStore(parseTarget(url, { ...surroundings, insecure, warn }));
  try {
    await store.open();
    return { store, archive: undefined };
  } catch (error) {
    await store.close();
    throw error;
  }
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run as somebody without a name; then the URL must say who asks.
    return "";
  }
}
