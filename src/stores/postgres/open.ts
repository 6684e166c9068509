/** Opens a PostgreSQL archive: ours, or somebody else's. */

import type { Archive } from "../../watch/archive.ts";
import type { Store } from "../../watch/ports.ts";
import { PostgresStore } from "./store.ts";
import { parseTarget } from "./target.ts";

/** @throws WatchError `usage`, `archive_unavailable`, `archive_unusable`. */
export async function openPostgres(url: string): Promise<{ store: Store; archive: Archive | undefined }> {
  const store = new PostgresStore(parseTarget(url));
  try {
    await store.open();
    return { store, archive: undefined };
  } catch (error) {
    await store.close();
    throw error;
  }
}
