/** Lists the sessions of an archive, after bringing it up to date. */

import type { ListQuery, SessionPage } from "../watch/ports.ts";
import type { Reporter } from "./reporter.ts";
import { syncEverything } from "./sync-everything.ts";
import type { ProgressDisplay } from "./sync-everything.ts";
import { wire } from "./wiring.ts";
import type { ArchiveOptions } from "./wiring.ts";

/** @throws WatchError `usage`, `archive_unavailable`, `archive_unusable`. */
export async function listSessions(
  query: ListQuery,
  options: ArchiveOptions,
  reporter: Reporter,
  display: ProgressDisplay | undefined,
): Promise<SessionPage> {
  const { store, engine, close } = await wire(options, reporter);
  try {
    if (engine !== undefined) await syncEverything(engine, reporter, display);
    return await store.list(query);
  } finally {
    await close();
  }
}
