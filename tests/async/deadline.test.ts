import { expect, test } from "bun:test";
import { Deadline, within } from "../../src/async/deadline.ts";
import { FakeClock } from "../support/clock.ts";

const LATE = new Error("too late");
const late = (): Error => LATE;

test("within() gives what the promise gives, and leaves no timer", async () => {
  const clock = new FakeClock();
  expect(await within(Promise.resolve(7), 100, clock, late)).toBe(7);
  expect(clock.pending).toBe(0);
});

test("within() throws what the promise throws, and leaves no timer", async () => {
  const clock = new FakeClock();
  const failure = new Error("no");
  expect(await outcomeOf(within(Promise.reject(failure), 100, clock, late))).toBe(failure);
  expect(clock.pending).toBe(0);
});

test("within() throws when time is up, not before", async () => {
  const clock = new FakeClock();
  let outcome: unknown = "waiting";
  const waiting = outcomeOf(within(never(), 100, clock, late)).then((error) => (outcome = error));
  await clock.advance(99);
  expect(outcome).toBe("waiting");
  await clock.advance(1);
  expect(outcome).toBe(LATE);
  await waiting;
  expect(clock.pending).toBe(0);
});

test("within() goes on waiting for as long as the expiry grants more time", async () => {
  const clock = new FakeClock();
  const extensions: (number | Error)[] = [50, 30, LATE];
  const beginMs = clock.now();
  let tookMs = 0;
  const waiting = outcomeOf(within(never(), 100, clock, () => extensions.shift() ?? LATE)).then((error) => {
    tookMs = clock.now() - beginMs;
    return error;
  });
  await clock.advance(1000);
  expect(await waiting).toBe(LATE);
  expect(extensions).toEqual([]);
  expect(tookMs).toBe(180);
});

test("Deadline aborts what takes too long, with the error that it throws", async () => {
  const clock = new FakeClock();
  const deadline = new Deadline(clock);
  const waiting = outcomeOf(deadline.within(100, never(), late));
  await clock.advance(100);
  expect(await waiting).toBe(LATE);
  expect(deadline.signal.reason).toBe(LATE);
});

test("Deadline gives each wait its own time", async () => {
  const clock = new FakeClock();
  const deadline = new Deadline(clock);
  for (let round = 0; round < 3; round += 1) {
    const { promise, resolve } = Promise.withResolvers<number>();
    const waiting = deadline.within(100, promise, late);
    await clock.advance(90);
    resolve(round);
    expect(await waiting).toBe(round);
  }
  expect(deadline.signal.aborted).toBe(false);
  expect(clock.pending).toBe(0);
});

test("Deadline ends with the signal that it was given, also one that has aborted already", async () => {
  const clock = new FakeClock();
  for (const isEarly of [true, false]) {
    const ending = new AbortController();
    const reason = new Error("stop");
    const deadline = new Deadline(clock, ending.signal);
    if (isEarly) ending.abort(reason);
    const waiting = outcomeOf(deadline.within(100, never(), late));
    ending.abort(reason);
    expect(await waiting).toBe(reason);
    expect(deadline.signal.reason).toBe(reason);
  }
  expect(clock.pending).toBe(0);
});

test("Deadline.cancel() aborts at once", () => {
  const deadline = new Deadline(new FakeClock());
  deadline.cancel();
  expect(deadline.signal.aborted).toBe(true);
});

function never(): Promise<never> {
  return new Promise(() => undefined);
}

function outcomeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch((error: unknown) => error);
}
