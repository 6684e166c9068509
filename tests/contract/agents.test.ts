import { join } from "node:path";
import { expect, test } from "bun:test";
import { AGENTS } from "../../src/agents/registry.ts";
import { FIXTURES } from "../support/recordings.ts";
import { agentContract } from "./agents.ts";

for (const agent of AGENTS) agentContract(agent, join(FIXTURES, agent.name));

test("agents have names of their own", () => {
  const names = AGENTS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});
