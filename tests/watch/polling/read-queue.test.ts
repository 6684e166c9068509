import { expect, test } from "bun:test";
import { Turns } from "../../../src/watch/polling/read-queue.ts";

test("look() resolves after the first look that began after it, whatever is asked for meanwhile", async () => {
  let looks = 0;
  const turns = new Turns({
    join: () => Promise.resolve(),
    look: async () => {
      looks += 1;
      await Promise.resolve();
      // There is always something new.
      if (looks < 100) void turns.look();
    },
  });
  await turns.look();
  expect(looks).toBeLessThan(5);
  await turns.look();
  expect(looks).toBeLessThan(10);
});
