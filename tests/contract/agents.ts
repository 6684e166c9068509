/** What every agent must do, whatever its transcripts look like: run it on each with `agentContract(agent, home)`. */

import { existsSync } from "node:fs";
import { describe, test } from "bun:test";
import type { Agent, LinesAgent } from "../../src/agents/agent.ts";
import { specimensAmong } from "../support/hostile.ts";
import { linesIn, recordingsOf } from "../support/recordings.ts";
import { importContract } from "./agents/import.ts";
import { parseContract } from "./agents/parse.ts";
import { placeContract } from "./agents/place.ts";
import { syncContract } from "./agents/sync.ts";
import { wholeContract } from "./agents/whole.ts";

/** @param home recordings of the agent, in the layout of a home folder; `sessions.json` in it may tell what they hold. */
export function agentContract(agent: Agent, home: string): void {
  describe(`${agent.name} keeps the agent contract:`, () => {
    if (agent.kind !== "lines") return wholeContract(agent, home);
    const recordings = recordingsOf(agent, home);
    if (recordings.length === 0) {
      test("has recordings", () => {
        throw new Error(missing(agent, home));
      });
      return;
    }
    const specimens = specimensAmong(linesIn(recordings));
    describe("its recordings", () => importContract(agent, home, recordings));
    describe("placeOf()", () => placeContract(agent, recordings));
    describe("parse()", () => parseContract(agent, recordings, specimens));
    describe("synced", () => syncContract(agent, recordings, specimens));
  });
}

function missing({ name, ...agent }: LinesAgent, home: string): string {
  const folders = agent.roots({ env: {}, home: "" }).map((root) => JSON.stringify(root.replace(/^\//, "")));
  const where = `tests/fixtures/${name}/, a home folder in small: under ${folders.join(" or ")} in it`;
  const why = existsSync(home) ? "There are no recordings" : "There is no folder";
  return `${why} of the agent "${name}": put transcripts into ${where} (CONTRIBUTING.md, "Adding an agent")`;
}
