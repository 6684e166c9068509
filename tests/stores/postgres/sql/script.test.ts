import { expect, test } from "bun:test";
import { runScript } from "../../../../src/stores/postgres/sql/script.ts";

/** @returns how long (ms) the server has for the script. */
async function patienceFor(...statements: string[]): Promise<number> {
  let patienceMs = 0;
  await runScript(
    async (_text, _values, deadlineMs = 0) => {
      patienceMs = deadlineMs;
      return [];
    },
    statements,
    1000,
  );
  return patienceMs;
}

test("runScript() gives what is long the time that it takes over a slow link, on top of the server's", async () => {
  expect(await patienceFor("SELECT 1")).toBeWithin(1000, 1010);
  // 2 MB at 10 kB/s.
  expect(await patienceFor("x".repeat(1_000_000), "y".repeat(1_000_000))).toBeWithin(201_000, 201_010);
});
