/** What one line costs on its way from a transcript to a subscriber, with all parts bound as the program binds them. */

import { afterEach, beforeEach, expect, test } from "bun:test";
import { claudeCode } from "../../src/agents/claude-code/claude-code.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { SyncEngine } from "../../src/sync/engine.ts";
import { systemWatch } from "../../src/sync/live/folder-watch.ts";
import { LiveSync } from "../../src/sync/live/live.ts";
import type { Archive } from "../../src/watch/archive.ts";
import { Watcher } from "../../src/watch/watcher.ts";
import { ClaudeTranscript } from "../support/claude.ts";
import { CountingFiles } from "../support/files.ts";
import { openOwn } from "../support/stores.ts";
import { Workspace } from "../support/workspace.ts";

/** Longer than everything that an append leads to: the last echo of a commit comes after 341 ms. */
const QUIET_MS = 600;
/** No poll comes in between. */
const POLL_MS = 60_000;

let workspace: Workspace;
let archive: Archive;
beforeEach(() => {
  workspace = new Workspace();
  archive = openOwn(workspace.archive);
});
afterEach(async () => {
  await archive.close();
  workspace[Symbol.dispose]();
});

test.each(["one", "all"])(
  "an append costs at most two looks at the archive, two stats and one source query (following %s)",
  async (followed) => {
    const transcript = new ClaudeTranscript(workspace.claude).user("one");
    const files = new CountingFiles();
    const counted = counting(archive);
    const surroundings = { env: { CLAUDE_CONFIG_DIR: workspace.claude }, home: workspace.home };
    const engine = new SyncEngine(counted.archive, [claudeCode], surroundings, { clock: systemClock, files });
    let looks = 0;
    const watcher = new Watcher(archive, engine, {
      clock: systemClock,
      pollIntervalMs: POLL_MS,
      onLook: () => {
        looks += 1;
      },
    });
    engine.onSynced(({ id }) => watcher.wake([id]));
    const live = new LiveSync(engine, systemClock, {
      pollIntervalMs: POLL_MS,
      watch: systemWatch,
      onFailure: ({ error }) => {
        throw error;
      },
      onUncovered: (_folder, error) => {
        throw error;
      },
      ...(followed === "one" ? { only: transcript.id } : {}),
    });
    await live.start();
    const subscription =
      followed === "one" ? watcher.events(transcript.id) : watcher.eventsOf({ sessions: "all", filter: {} });
    try {
      await subscription.ready;
      const updates = subscription[Symbol.asyncIterator]();
      await Bun.sleep(QUIET_MS);
      for (let append = 1; append <= 3; append += 1) {
        looks = 0;
        files.reset();
        counted.reset();
        transcript.user(`more ${append}`);
        expect(await updates.next()).toMatchObject({
          value: { event: "session_updated", message_count: 1 + append },
        });
        await Bun.sleep(QUIET_MS);
        expect(looks).toBeWithin(1, 3);
        // One of the open file before it is read, and one after, for what was written meanwhile.
        expect(files.transcriptStats + files.handleStats).toBeLessThanOrEqual(2);
        expect(counted.queries()).toBe(1);
      }
    } finally {
      subscription.close();
      live.stop();
    }
  },
);

/** Counts how often it is asked how far a transcript was read, in a transaction or outside of one. */
function counting(archive: Archive): { archive: Archive; queries: () => number; reset: () => void } {
  let queries = 0;
  return {
    archive: {
      ...bound(archive),
      source(id) {
        queries += 1;
        return archive.source(id);
      },
      sync(id, work) {
        queries += 1;
        return archive.sync(id, work);
      },
    },
    queries: () => queries,
    reset() {
      queries = 0;
    },
  };
}

function bound(archive: Archive): Archive {
  return {
    revision: () => archive.revision(),
    states: (ids) => archive.states(ids),
    changes: (mark) => archive.changes(mark),
    onHint: (hint) => archive.onHint(hint),
    list: (query) => archive.list(query),
    get: (id) => archive.get(id),
    idsStartingWith: (prefix, limit) => archive.idsStartingWith(prefix, limit),
    messages: (id, query) => archive.messages(id, query),
    close: () => archive.close(),
    syncedTranscripts: () => archive.syncedTranscripts(),
    source: (id) => archive.source(id),
    projectFolders: (limit) => archive.projectFolders(limit),
    offLimits: (ids) => archive.offLimits(ids),
    sync: (id, work) => archive.sync(id, work),
  };
}
