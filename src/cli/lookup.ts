/** Looks sessions up where a local command can find them: in the archive, and among transcripts not synced yet. */

import type { SyncEngine } from "../sync/engine.ts";
import { statMtime } from "../sync/files.ts";
import type { Transcript } from "../sync/files.ts";
import type { Store } from "../watch/ports.ts";
import type { SessionIndex } from "../watch/resolve.ts";

export function localIndex(store: Store, engine: SyncEngine | undefined): SessionIndex {
  return {
    has: async (id) => (await store.get(id)) !== null || (await engine?.find(id)) != null,
    async latest() {
      // The transcript that was written last may be newer than anything in the archive.
      const newest = engine === undefined ? null : await newestTranscript(engine);
      if (newest !== null) await engine?.syncTranscript(newest);
      const { sessions } = await store.list({ limit: 1 });
      return newest?.place.id ?? sessions[0]?.id ?? null;
    },
    async idsStartingWith(prefix, limit) {
      const ids = new Set(await store.idsStartingWith(prefix, limit));
      if (engine === undefined) return [...ids];
      for await (const { place } of engine.all()) if (place.id.startsWith(prefix)) ids.add(place.id);
      return [...ids].slice(0, limit);
    },
  };
}

async function newestTranscript(engine: SyncEngine): Promise<Transcript | null> {
  let newest: { transcript: Transcript; mtimeNs: bigint } | null = null;
  for await (const transcript of engine.all()) {
    // Following a subagent would not show its session's life.
    if (transcript.place.parentId !== null) continue;
    const mtimeNs = statMtime(transcript.path);
    if (newest === null || mtimeNs > newest.mtimeNs) newest = { transcript, mtimeNs };
  }
  return newest?.transcript ?? null;
}
