/** From a commit by another process to the line or frame that tells of it. Nobody syncs: the archive alone is watched. */

import { Workspace } from "../tests/support/workspace.ts";
import { makeForeign, makeOurs } from "./support/archives.ts";
import { commit } from "./support/commits.ts";
import type { Distribution, Figure, Setting } from "./support/figures.ts";
import { OBSERVERS } from "./support/observers.ts";
import type { Observe } from "./support/observers.ts";

/** Commits before those that count. */
const WARM_UP = 40;
const PACE = { commits: 300 + WARM_UP, minMs: 5, maxMs: 60 };
/** In the archive; one of them is followed. */
const SESSIONS = 100;
const AIM = { medianMs: 2, p99Ms: 10 };

interface Target {
  /** Of the archive. */
  path: string;
  id: string;
  env: Record<string, string>;
}

export async function commitLatency({ binary }: Setting): Promise<Figure[]> {
  const figures: Distribution[] = [];
  for (const [name, prepare] of Object.entries(ARCHIVES)) {
    for (const [seen, observe] of Object.entries(OBSERVERS)) {
      using workspace = new Workspace();
      const samplesMs = await measure(observe, await prepare(workspace, binary), binary);
      figures.push({ what: `commit to ${name} archive → ${seen}`, samplesMs, aim: AIM });
    }
  }
  return figures;
}

const ARCHIVES = { "our own": prepareOurs, "a foreign": prepareForeign };

async function measure(observe: Observe, { path, id, env }: Target, binary: string): Promise<number[]> {
  await using observer = await observe({ binary, env, id, args: ["--db", path, "--no-sync"] });
  const changes = await commit(path, id, PACE);
  await observer.arrivals.reached(changes.at(-1)?.messageCount ?? 0);
  return observer.arrivals.latencies(changes).slice(WARM_UP);
}

async function prepareOurs(workspace: Workspace, binary: string): Promise<Target> {
  const [transcript] = await makeOurs(workspace, binary, SESSIONS);
  return { path: workspace.archive, id: transcript?.id ?? "", env: workspace.env };
}

async function prepareForeign(workspace: Workspace): Promise<Target> {
  const path = workspace.path("agentsview", "sessions.db");
  const [id = ""] = makeForeign(path, SESSIONS);
  return { path, id, env: workspace.env };
}
