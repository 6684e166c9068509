import { expect, test } from "bun:test";
import { SerialQueue } from "../../src/async/serial-queue.ts";
import { settled } from "../support/clock.ts";

test("run() runs one job at a time, in order", async () => {
  const queue = new SerialQueue();
  const log: string[] = [];
  const first = Promise.withResolvers<string>();
  const runs = [
    queue.run(() => {
      log.push("first begins");
      return first.promise.finally(() => log.push("first ends"));
    }),
    queue.run(async () => {
      log.push("second begins");
      return "b";
    }),
  ];
  await settled();
  expect(log).toEqual(["first begins"]);
  first.resolve("a");
  expect(await Promise.all(runs)).toEqual(["a", "b"]);
  expect(log).toEqual(["first begins", "first ends", "second begins"]);
});

test("run() passes a failure to its caller alone", async () => {
  const queue = new SerialQueue();
  const outcomes = await Promise.allSettled([
    queue.run(() => Promise.reject(new Error("no"))),
    queue.run(() => Promise.resolve("yes")),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
});

test("pending counts what runs and what waits", async () => {
  const queue = new SerialQueue();
  expect(queue.pending).toBe(0);
  const { promise, resolve } = Promise.withResolvers<void>();
  const runs = [queue.run(() => promise), queue.run(() => Promise.resolve())];
  await settled();
  expect(queue.pending).toBe(2);
  resolve();
  await Promise.all(runs);
  expect(queue.pending).toBe(0);
});
