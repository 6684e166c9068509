/** From a line that an agent appends to its transcript, through the sync, to the line or frame that tells of it. */

import { setTimeout as sleep } from "node:timers/promises";
import type { ClaudeTranscript } from "../tests/support/claude.ts";
import { Workspace } from "../tests/support/workspace.ts";
import { makeOurs } from "./support/archives.ts";
import type { Change } from "./support/arrivals.ts";
import { nowMs, randomPause } from "./support/clock.ts";
import type { Distribution, Figure, Setting } from "./support/figures.ts";
import { observeFrames, observeLines } from "./support/observers.ts";
import type { Observe } from "./support/observers.ts";

const APPENDS = 300;
/** Appends before those that count. */
const WARM_UP = 40;
const SESSIONS = 100;
/** How long (ms) a server has to finish its first sync. */
const SETTLE_MS = 500;
const AIM = { medianMs: 20, p99Ms: 100 };

/** How long (ms) the writer is silent before a line. */
interface Pause {
  min: number;
  max: number;
}

/** Taken in turn. Lines that follow each other within a spacing are synced together. */
const BUSY: Pause[] = [{ min: 5, max: 60 }];
const UNHURRIED: Pause[] = [{ min: 55, max: 85 }];
/** As agents write: on Bun, the file system's notification of the second line is lost. */
const PAIRS: Pause[] = [
  { min: 55, max: 85 },
  { min: 0, max: 3 },
];

export async function appendLatency({ binary }: Setting): Promise<Figure[]> {
  return [
    await measure("line appended every 5–60 ms → SSE frame", observeFrames, BUSY, binary),
    await measure("line appended every 55–85 ms → SSE frame", observeFrames, UNHURRIED, binary),
    await measure("line appended in pairs, 0–3 ms apart → SSE frame", observeFrames, PAIRS, binary),
    await measure("line appended every 5–60 ms → NDJSON line", observeLines, BUSY, binary),
  ];
}

async function measure(
  what: string,
  observe: Observe,
  pauses: Pause[],
  binary: string,
): Promise<Distribution> {
  using workspace = new Workspace();
  const [transcript] = await makeOurs(workspace, binary, SESSIONS);
  if (transcript === undefined) throw new Error("there is no transcript to append to");
  await using observer = await observe({ binary, env: workspace.env, id: transcript.id, args: [] });
  await sleep(SETTLE_MS);
  const changes = await append(transcript, pauses);
  await observer.arrivals.reached(changes.at(-1)?.messageCount ?? 0);
  return { what, samplesMs: observer.arrivals.latencies(changes).slice(WARM_UP), aim: AIM };
}

async function append(transcript: ClaudeTranscript, pauses: Pause[]): Promise<Change[]> {
  const changes: Change[] = [];
  // The transcript has two messages already.
  for (let messageCount = 3; messageCount < 3 + APPENDS + WARM_UP; messageCount += 1) {
    const { min, max } = pauses[messageCount % pauses.length] ?? { min: 0, max: 0 };
    await randomPause(min, max);
    transcript.assistant(`${"Some words of an answer. ".repeat(20)}${messageCount}`);
    changes.push({ messageCount, atMs: nowMs() });
  }
  return changes;
}
