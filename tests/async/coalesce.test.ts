import { expect, test } from "bun:test";
import { Coalescer } from "../../src/async/coalesce.ts";
import { FakeClock, settled } from "../support/clock.ts";

const SPACING_MS = 50;

test("run() starts at once after a quiet time", async () => {
  const { coalescer, starts, job } = counting();
  await coalescer.run("a", job);
  expect(starts).toEqual([0]);
});

test("run() makes one run of all calls within the spacing", async () => {
  const { clock, coalescer, starts, job } = counting();
  const runs = [coalescer.run("a", job), coalescer.run("a", job), coalescer.run("a", job)];
  await clock.advance(SPACING_MS - 1);
  runs.push(coalescer.run("a", job));
  expect(starts).toEqual([0]);
  await clock.advance(1);
  expect(starts).toEqual([0, SPACING_MS]);
  expect(await Promise.all(runs)).toEqual([1, 2, 2, 2]);
});

test("run() gives the outcome of a run that started after the call, also while another run is in progress", async () => {
  const { clock, coalescer, starts, slowly } = counting();
  const first = slowly();
  const firstRun = coalescer.run("a", first.job);
  await clock.advance(10 * SPACING_MS);
  const second = slowly();
  const secondRun = coalescer.run("a", second.job);
  await settled();
  expect(starts).toEqual([0]);
  first.finish();
  await settled();
  // The spacing counts from start to start: it has passed already.
  expect(starts).toEqual([0, 10 * SPACING_MS]);
  second.finish();
  expect(await Promise.all([firstRun, secondRun])).toEqual([1, 2]);
});

test("run() starts the next run at once after one that found nothing to do", async () => {
  const clock = new FakeClock();
  const coalescer = new Coalescer<boolean>(clock, SPACING_MS, (changed) => changed);
  const starts: number[] = [];
  const job = (changed: boolean) => async () => {
    starts.push(clock.now());
    return changed;
  };
  const startMs = clock.now();
  await coalescer.run("a", job(false));
  await settled();
  await coalescer.run("a", job(true));
  const last = coalescer.run("a", job(true));
  await clock.advance(SPACING_MS);
  await last;
  expect(starts.map((atMs) => atMs - startMs)).toEqual([0, 0, SPACING_MS]);
});

test("busy counts running and waiting keys, not those in their spacing", async () => {
  const { clock, coalescer, job, slowly } = counting();
  const first = slowly();
  const runs = [coalescer.run("a", first.job), coalescer.run("a", job), coalescer.run("b", job)];
  expect(coalescer.busy).toBe(2);
  await settled();
  expect(coalescer.busy).toBe(1);
  first.finish();
  await settled();
  expect(coalescer.busy).toBe(1);
  await clock.advance(SPACING_MS);
  await Promise.all(runs);
  expect(coalescer.busy).toBe(0);
});

test("run() never starves: with continuous calls it runs once per spacing", async () => {
  const { clock, coalescer, starts, job } = counting();
  const runs: Promise<number>[] = [];
  for (let ms = 0; ms < 1000; ms += 5) {
    runs.push(coalescer.run("a", job));
    await clock.advance(5);
  }
  expect(starts).toEqual(Array.from({ length: 1000 / SPACING_MS + 1 }, (_, n) => n * SPACING_MS));
  await clock.advance(SPACING_MS);
  expect((await Promise.all(runs)).at(-1)).toBe(starts.length);
});

test("run() goes on after a failure, with the same key and with others", async () => {
  const { clock, coalescer, starts, job } = counting();
  const failing = (): Promise<number> => Promise.reject(new Error("no"));
  const outcomes = Promise.allSettled([
    coalescer.run("a", failing),
    coalescer.run("a", failing),
    coalescer.run("b", job),
  ]);
  await clock.advance(SPACING_MS);
  expect((await outcomes).map(({ status }) => status)).toEqual(["rejected", "rejected", "fulfilled"]);
  await clock.advance(SPACING_MS);
  expect(await coalescer.run("a", job)).toBe(2);
  expect(starts).toEqual([0, 2 * SPACING_MS]);
});

test("run() keeps nothing for a key without runs", async () => {
  const { clock, coalescer, starts, job } = counting();
  await coalescer.run("a", job);
  expect(clock.pending).toBe(1);
  await clock.advance(SPACING_MS);
  expect(clock.pending).toBe(0);
  await coalescer.run("a", job);
  expect(starts).toEqual([0, SPACING_MS]);
});

/** Jobs that resolve to how many have started, and record when (ms since the beginning). */
function counting(): {
  clock: FakeClock;
  coalescer: Coalescer<number>;
  starts: number[];
  job: () => Promise<number>;
  slowly: () => { job: () => Promise<number>; finish: () => void };
} {
  const clock = new FakeClock();
  const beginMs = clock.now();
  const starts: number[] = [];
  const job = (): Promise<number> => Promise.resolve(starts.push(clock.now() - beginMs));
  return {
    clock,
    coalescer: new Coalescer<number>(clock, SPACING_MS),
    starts,
    job,
    slowly() {
      const { promise, resolve } = Promise.withResolvers<void>();
      return { job: () => job().then((n) => promise.then(() => n)), finish: resolve };
    },
  };
}

test("run() rests in proportion to a long run, up to a limit", async () => {
  const clock = new FakeClock();
  const afterWork = { perWork: 9, maxMs: 1000 };
  const coalescer = new Coalescer<void>(clock, SPACING_MS, () => true, afterWork);
  const starts: number[] = [];
  const beginMs = clock.now();
  const taking = (ms: number) => async (): Promise<void> => {
    starts.push(clock.now() - beginMs);
    await new Promise<void>((resolve) => void clock.after(ms, resolve));
  };
  const runs = [coalescer.run("a", taking(10))];
  await clock.advance(10);
  runs.push(coalescer.run("a", taking(500)));
  await clock.advance(90);
  expect(starts).toEqual([0, 100]);
  await clock.advance(500);
  runs.push(coalescer.run("a", taking(0)));
  await clock.advance(999);
  expect(starts).toHaveLength(2);
  await clock.advance(1);
  expect(starts).toEqual([0, 100, 1600]);
  await clock.advance(0);
  await Promise.all(runs);
});
