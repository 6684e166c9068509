/** Looks up sessions for a local command: in the archive, and among transcripts that are not synced yet. */

import type { SyncEngine } from "../sync/engine.ts";
import type { Store } from "../watch/ports.ts";
import { hasPrefix, isTopLevel } from "../watch/resolve.ts";
import type { SessionIndex } from "../watch/resolve.ts";
import type { SessionId } from "../session/session.ts";

/** A session may have this many subagents that were active after it. */
const LATEST_AMONG = 1000;

/** @param engine undefined if only the archive may be read. */
export function localIndex(store: Store, engine: SyncEngine | undefined): SessionIndex {
  return {
    has: async (id) => (await store.get(id)) !== null || (await engine?.find(id)) != null,
    async latest() {
      // The newest transcript may be newer than everything in the archive.
      const newest = engine === undefined ? null : await newestTranscript(store, engine);
      if (newest !== null) return newest;
      const { sessions } = await store.list({ limit: LATEST_AMONG });
      return sessions.find(isTopLevel)?.id ?? null;
    },
    async idsStartingWith(prefix, limit) {
      const ids = new Set(await store.idsStartingWith(prefix, limit));
      if (engine === undefined) return [...ids];
      for (const { id } of (await engine.list()).sessions) if (hasPrefix(id, prefix)) ids.add(id);
      return [...ids].slice(0, limit);
    },
  };
}

/** Only its transcript says whether a session is a subagent's, so an unknown one is synced first. */
async function newestTranscript(store: Store, engine: SyncEngine): Promise<SessionId | null> {
  for (const { id, isSubagent } of (await engine.list()).sessions) {
    if (isSubagent) continue;
    if ((await store.get(id)) === null) await engine.sync(id);
    const session = await store.get(id);
    if (session !== null && isTopLevel(session)) return id;
  }
  return null;
}
