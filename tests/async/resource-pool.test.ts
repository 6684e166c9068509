import { expect, test } from "bun:test";
import { ResourcePool } from "../../src/async/resource-pool.ts";

test("use() lends each resource to one caller at a time, in the order of the calls", async () => {
  const pool = new ResourcePool(["a", "b"]);
  const log: string[] = [];
  const ends = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
  const uses = ends.map(({ promise }, index) =>
    pool.use(async (resource) => {
      log.push(`${index}${resource}`);
      await promise;
    }),
  );
  await Promise.resolve();
  expect(log).toEqual(["0b", "1a"]);
  ends[1]?.resolve();
  await uses[1];
  expect(log).toEqual(["0b", "1a", "2a"]);
  ends[0]?.resolve();
  await uses[0];
  expect(log).toEqual(["0b", "1a", "2a", "3b"]);
  for (const { resolve } of ends) resolve();
  await Promise.all(uses);
});

test("use() gives a resource back when the work fails, and prefers the one used last", async () => {
  const pool = new ResourcePool(["a", "b"]);
  await expect(pool.use(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await pool.use(async (resource) => resource)).toBe("b");
});
