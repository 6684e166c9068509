/** Opens a PostgreSQL archive: ours, or somebody else's. */

import type { Archive } from "../../watch/archive.ts";
import type { Store } from "../../watch/ports.ts";
import { PostgresStore } from "./store.ts";
import { systemTarget } from "./system-target.ts";
import type { SystemTargetOptions } from "./system-target.ts";

/** @throws WatchError `usage`, `archive_unavailable`, `archive_unusable`. */
export async function openPostgres(
  url: string,
  options: SystemTargetOptions = {},
): Promise<{ store: Store; archive: Archive | undefined }> {
  const store = new PostgresStore(systemTarget(url, options));
  try {
    await store.open();
    return { store, archive: undefined };
  } catch (error) {
    await store.close();
    throw error;
  }
}
