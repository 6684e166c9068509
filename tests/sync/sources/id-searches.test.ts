import { expect, test } from "bun:test";
import { IdSearches } from "../../../src/sync/sources/id-searches.ts";

test("begin() backs off per id, and found() ends that", () => {
  const searches = new IdSearches();
  expect(searches.begin("a", 0)).toBe(true);
  expect(searches.begin("a", 1)).toBe(false);
  expect(searches.begin("b", 1)).toBe(true);
  searches.found("a");
  expect(searches.begin("a", 2)).toBe(true);
});

test("begin() remembers 100 ids", () => {
  const searches = new IdSearches();
  for (let n = 0; n <= 100; n += 1) searches.begin(`id ${n}`, 0);
  expect([searches.begin("id 100", 1), searches.begin("id 0", 1)]).toEqual([false, true]);
});
