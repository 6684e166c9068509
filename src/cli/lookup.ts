/** Looks sessions up where a local command can find them: in the archive, and among transcripts not synced yet. */

import type { SyncEngine } from "../sync/engine.ts";
import { statMtime } from "../sync/files.ts";
import type { Transcript } from "../sync/files.ts";
import type { Store } from "../watch/ports.ts";
import { hasPrefix, isTopLevel } from "../watch/resolve.ts";
import type { SessionIndex } from "../watch/resolve.ts";

/** A session can have so many subagents that were active after it. */
const LATEST_AMONG = 1000;

export function localIndex(store: Store, engine: SyncEngine | undefined): SessionIndex {
  return {
    has: async (id) => (await store.get(id)) !== null || (await engine?.find(id)) != null,
    async latest() {
      // The transcript that was written last may be newer than anything in the archive.
      const newest = engine === undefined ? null : await newestTranscript(engine);
      if (newest !== null) return newest.place.id;
      const { sessions } = await store.list({ limit: LATEST_AMONG });
      return sessions.find(isTopLevel)?.id ?? null;
    },
    async idsStartingWith(prefix, limit) {
      const ids = new Set(await store.idsStartingWith(prefix, limit));
      if (engine === undefined) return [...ids];
      for await (const { place } of engine.all()) if (hasPrefix(place.id, prefix)) ids.add(place.id);
      return [...ids].slice(0, limit);
    },
  };
}

async function newestTranscript(engine: SyncEngine): Promise<Transcript | null> {
  let newest: { transcript: Transcript; mtimeNs: bigint } | null = null;
  for await (const transcript of engine.all()) {
    if (transcript.place.isSubagent) continue;
    const mtimeNs = statMtime(transcript.path);
    if (newest === null || mtimeNs > newest.mtimeNs) newest = { transcript, mtimeNs };
  }
  return newest?.transcript ?? null;
}
