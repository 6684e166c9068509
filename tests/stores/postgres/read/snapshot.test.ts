import { expect, test } from "bun:test";
import { comparable, isContinued, oldestRunning } from "../../../../src/stores/postgres/read/snapshot.ts";

const found = (snapshot: string, life = "one") => ({ life, snapshot, total: null, rows: [] });

test("comparable() is the snapshot, unless it does not list running transactions, as on a standby", () => {
  for (const snapshot of ["7:7:", "7:9:7", "7:9:7,8"])
    expect(comparable({ life: "one", snapshot })).toBe(snapshot);
  expect(comparable({ life: "one", snapshot: "7:9:" })).toBe("");
});

test("isContinued() is false for another life, and after transaction numbers have wrapped around", () => {
  const moment = { life: "one", snapshot: "2000:2004:2000" };
  expect(isContinued(moment, found("2000:2004:2000"))).toBe(true);
  expect(isContinued(moment, found("2000:2004:2000", "another"))).toBe(false);
  expect(isContinued(moment, found(`2001:${2000 + 2 ** 31 - 1}:2001`))).toBe(true);
  expect(isContinued(moment, found(`2001:${2000 + 2 ** 31}:2001`))).toBe(false);
});

test("oldestRunning() is the lower half of the number, as rows have it", () => {
  expect(oldestRunning({ life: "one", snapshot: `${2 ** 32 + 7}:${2 ** 32 + 9}:` })).toBe("7");
});
