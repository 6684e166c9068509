import { expect, test } from "bun:test";
import { runScript } from "../../../../src/stores/postgres/sql/script.ts";

/** @returns the deadline (ms) of the script. */
async function deadlineFor(...statements: string[]): Promise<number> {
  let givenMs = 0;
  await runScript(
    async (_text, _values, deadlineMs = 0) => {
      givenMs = deadlineMs;
      return [];
    },
    statements,
    1000,
  );
  return givenMs;
}

test("runScript() gives long scripts the time that a slow network needs, on top of the server's", async () => {
  expect(await deadlineFor("SELECT 1")).toBeWithin(1000, 1010);
  // 2 MB at 10 kB/s.
  expect(await deadlineFor("x".repeat(1_000_000), "y".repeat(1_000_000))).toBeWithin(201_000, 201_010);
});
