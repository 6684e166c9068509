/** An archive of ours into which every session takes its time, on any machine. */

import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { openOwn } from "./stores.ts";

/** Numbers that are added up in pairs: more than any machine gets through in a second. */
const NUMBERS = 20_000;
/** So many of them, each with all others, show how fast this machine is. */
const TRIAL = 50;

/** @param sessionMs how long (ms of work) the archive needs for each new session. */
export async function makeSlowArchive(path: string, sessionMs: number): Promise<void> {
  await openOwn(path).close();
  const db = new DatabaseSync(path);
  try {
    db.exec(`CREATE TABLE burden AS
      WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT ${NUMBERS}) SELECT n FROM numbers`);
    const trialMs = cpuMsOf(() => db.prepare(sumOfPairs(TRIAL)).get());
    const count = Math.ceil((TRIAL * sessionMs) / trialMs);
    db.exec(`CREATE TRIGGER slow AFTER INSERT ON sessions BEGIN ${sumOfPairs(count)}; END`);
  } finally {
    db.close();
  }
}

function sumOfPairs(count: number): string {
  return `SELECT sum(a.n * b.n) FROM burden AS a CROSS JOIN burden AS b WHERE a.n <= ${count}`;
}

/** What else the machine does is not counted. */
function cpuMsOf(run: () => unknown): number {
  const before = process.cpuUsage();
  run();
  return process.cpuUsage(before).user / 1000;
}
