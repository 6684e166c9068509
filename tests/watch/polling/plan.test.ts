import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { plan } from "../../../src/watch/polling/plan.ts";
import { isComplete, NOT_POLLING } from "../../../src/watch/polling/polling-state.ts";
import type { ReadAnswer, PollingState, Read, Seen } from "../../../src/watch/polling/polling-state.ts";

const POLL_MS = 1500;
type Untimed = Seen extends infer S ? (S extends Seen ? Omit<S, "nowMs"> : never) : never;

/** What a poller would see, one thing after the other, and what it would ask. */
class Course {
  state: PollingState = NOT_POLLING;
  nowMs = 0;
  read: Read | null = null;
  readonly asked: string[] = [];
  readonly told: string[] = [];
  failsArrivals = false;

  see(...all: Untimed[]): this {
    for (const seen of all) {
      const planned = plan(this.state, { ...seen, nowMs: this.nowMs } as Seen, POLL_MS);
      this.state = planned.state;
      this.failsArrivals = planned.failsArrivals;
      if (seen.kind === "answer" || seen.kind === "failure") this.read = null;
      if (planned.status !== null) this.told.push(planned.status.event);
      if (planned.read === null) continue;
      expect(this.read).toBeNull();
      this.read = planned.read;
      this.asked.push(this.read.ask === "sessions" ? this.read.ids.join(" ") : nameOf(this.read));
    }
    return this;
  }

  answer(answer: Partial<Changes> & { revision?: string | null } = {}): this {
    const { read } = this;
    if (read === null) throw new Error("nothing was asked");
    return this.see({ kind: "answer", read, answer: answerTo(read, answer), askedMs: this.nowMs });
  }

  fail(): this {
    const { read } = this;
    if (read === null) throw new Error("nothing was asked");
    return this.see({ kind: "failure", read, error: new Error("gone"), askedMs: this.nowMs });
  }

  /** Follows and has read what is followed. */
  settled(following: "some" | "all"): this {
    this.see({ kind: "following", following }, { kind: "arrival" });
    while (this.read !== null) this.answer();
    this.asked.length = 0;
    return this;
  }

  poll(): this {
    return this.see({ kind: "poll", hasArrivals: false }, { kind: "turn" });
  }

  takeAsked(): string[] {
    return this.asked.splice(0);
  }
}

type Changes = (ReadAnswer & { to: "changes" })["changes"] & { present: number };

function answerTo(read: Read, given: Partial<Changes> & { revision?: string | null }): ReadAnswer {
  if (read.ask === "revision") return { to: "revision", revision: given.revision ?? null };
  if (read.ask !== "changes") return { to: "sessions" };
  const {
    present = 0,
    mark = "m",
    isComplete = false,
    total = null,
    isScan = false,
    isFromNotifications = false,
  } = given;
  return { to: "changes", changes: { mark, isComplete, total, isScan, isFromNotifications }, present };
}

function nameOf(read: Read): string {
  return read.ask === "changes" ? `changes ${read.since}` : read.ask;
}

describe("plan()", () => {
  test("asks for arriving subscribers at once, and for all that come meanwhile together", () => {
    const course = new Course().see({ kind: "following", following: "some" }, { kind: "arrival" });
    expect(course.takeAsked()).toEqual(["arrivals"]);
    course.see({ kind: "arrival" }, { kind: "arrival" });
    expect(course.takeAsked()).toEqual([]);
    expect(course.answer().answer().takeAsked()).toEqual(["arrivals"]);
    expect(course.read).toBeNull();
  });

  test("reads everything once for those who follow all sessions", () => {
    const course = new Course().see({ kind: "following", following: "all" }, { kind: "arrival" });
    course.see({ kind: "arrival" });
    while (course.read !== null) course.answer();
    expect(course.takeAsked()).toEqual(["arrivals", "arrivals", "changes null"]);
    course.see({ kind: "arrival" }).answer();
    expect(course.takeAsked()).toEqual(["arrivals"]);
  });

  test("makes one look of the hints of one moment, and one more of those that come meanwhile", () => {
    const course = new Course().settled("some");
    course.see({ kind: "hint", ids: null }, { kind: "hint", ids: ["a"] });
    expect(course.takeAsked()).toEqual([]);
    course.see({ kind: "turn" });
    expect(course.takeAsked()).toEqual(["revision"]);
    course.see({ kind: "hint", ids: ["a"] }, { kind: "hint", ids: ["b", "a"] });
    course.answer({ revision: "1" }).answer();
    expect(course.takeAsked()).toEqual(["followed", "b a"]);
    course.answer();
    expect([course.read, course.takeAsked()]).toEqual([null, []]);
  });

  test("lets arriving subscribers in between the reads of a look", () => {
    const course = new Course().settled("some").poll();
    course.see({ kind: "arrival" }).answer({ revision: "1" }).answer().answer();
    expect(course.takeAsked()).toEqual(["revision", "arrivals", "followed"]);
  });

  test("reads nothing more when the archive says that it has not changed", () => {
    const course = new Course().settled("some").poll().answer({ revision: "1" }).answer();
    course.poll().answer({ revision: "1" });
    expect(course.takeAsked()).toEqual(["revision", "followed", "revision"]);
    course.poll().answer({ revision: null }).answer();
    expect(course.takeAsked()).toEqual(["revision", "followed"]);
  });

  test("looks at what was hinted at besides everything else only where that is not followed by its id", () => {
    const some = new Course().settled("some").see({ kind: "hint", ids: ["a"] });
    expect(some.poll().takeAsked()).toEqual(["revision"]);
    const all = new Course().settled("all").see({ kind: "hint", ids: ["a"] });
    expect(all.poll().answer().takeAsked()).toEqual(["a", "revision"]);
  });

  test("does not take an archive's word for single sessions where it goes by notifications", () => {
    const course = new Course().settled("all").poll().answer({ revision: "1" });
    course.answer({ isFromNotifications: true }).answer();
    expect(course.takeAsked()).toEqual(["revision", "changes m", "followed"]);
  });

  test("reads everything when the count shows that some are gone, once, and until it has succeeded", () => {
    const course = new Course().settled("all").poll().answer({ revision: "1" });
    course.answer({ total: 1, present: 2 });
    expect(course.takeAsked()).toEqual(["revision", "changes m", "changes null"]);
    course.fail().poll().answer({ revision: "1" });
    expect(course.takeAsked()).toEqual(["revision", "changes null"]);
    course.answer({ total: 1, present: 2 });
    expect([course.read, course.state.knowledge.mode]).toEqual([null, "complete"]);
  });

  test("lets an archive that can only be read as a whole rest nine times as long as the reading took", () => {
    const course = new Course().settled("all").poll().answer({ revision: "1" });
    const { read } = course;
    course.nowMs += 100;
    if (read === null) throw new Error("nothing was asked");
    course.see({
      kind: "answer",
      read,
      answer: answerTo(read, { isScan: true }),
      askedMs: course.nowMs - 100,
    });
    course.takeAsked();
    course.see({ kind: "hint", ids: null }, { kind: "turn" }).answer({ revision: "2" }).answer();
    expect([course.takeAsked(), course.state.pollAtMs]).toEqual([
      ["revision", "followed"],
      course.nowMs + 900,
    ]);
    course.nowMs += 900;
    course.poll().answer({ revision: "2" });
    expect(course.takeAsked()).toEqual(["revision", "changes m"]);
  });

  test("asks nothing while nobody follows anything, whatever is still under way", () => {
    const course = new Course().settled("all").poll();
    course.see({ kind: "following", following: "nothing" }).answer({ revision: "2" });
    course.see({ kind: "hint", ids: null }, { kind: "turn" });
    expect([course.takeAsked(), course.state.pollAtMs]).toEqual([["revision"], null]);
  });

  test("asks again soon after a failure, then less and less often, and for what was hinted at, too", () => {
    const course = new Course().settled("all");
    course.see({ kind: "hint", ids: ["a"] }, { kind: "turn" }).fail();
    expect(course.state.pollAtMs).toBe(50);
    expect(course.read).toBeNull();
    course.poll().fail();
    expect(course.state.pollAtMs).toBe(100);
    course.poll().answer();
    expect(course.takeAsked()).toEqual(["a", "a", "a", "revision"]);
  });

  test("tells of an outage after a second, once, and of its end before anything else", () => {
    const course = new Course().settled("some").poll().fail();
    expect([course.told, course.failsArrivals]).toEqual([[], false]);
    course.nowMs += 1000;
    course.poll().fail();
    expect([course.told, course.failsArrivals]).toEqual([["degraded"], true]);
    course.poll().fail().poll().see({ kind: "readable" });
    expect(course.told).toEqual(["degraded", "recovered"]);
  });

  test("does not take a revision for a sign that the archive can be read", () => {
    const course = new Course().settled("some").poll().answer().fail();
    course.nowMs += 1000;
    course.poll().answer().fail();
    expect(course.told).toEqual(["degraded"]);
    course.poll().answer({ revision: "1" }).answer().poll().answer({ revision: "1" });
    expect(course.told).toEqual(["degraded", "recovered"]);
  });

  test("fails arriving subscribers with the read that was for them, however short the outage is", () => {
    const course = new Course().see({ kind: "following", following: "all" }, { kind: "arrival" });
    expect(course.fail().failsArrivals).toBe(true);
    expect(course.see({ kind: "arrival" }).answer().fail().failsArrivals).toBe(true);
  });
});

/** What may happen to a poller, in an arbitrary order; an answer or a failure only while a read is under way. */
const happening = fc.oneof(
  fc.constantFrom("arrival", "hint", "poll", "turn", "answer", "fail", "wait").map((name) => ({ name })),
  fc.constantFrom("nothing", "some", "all").map((following) => ({ name: "following", following })),
);

test("plan() has one read under way at most, and what is hinted at or polled is looked at by a read that begins later", () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 80 }), (happenings) => {
      const course = new Course();
      const step = (name: string): void => {
        if (name === "arrival") course.see({ kind: "arrival" });
        if (name === "hint") course.see({ kind: "hint", ids: ["h"] });
        if (name === "poll") course.see({ kind: "poll", hasArrivals: false });
        if (name === "turn") course.see({ kind: "turn" });
        if (name === "wait") course.nowMs += 400;
        if (name === "answer" && course.read !== null) course.answer();
        if (name === "fail" && course.read !== null) course.fail();
      };
      for (const happened of happenings) {
        if ("following" in happened)
          course.see({ kind: "following", following: happened.following as "nothing" | "some" | "all" });
        step(happened.name);
      }
      if (course.state.following === "nothing") return;
      course.takeAsked();
      course.see({ kind: "hint", ids: ["z"] }, { kind: "poll", hasArrivals: true }, { kind: "turn" });
      for (let answers = 0; course.read !== null; answers += 1) {
        expect(answers).toBeLessThan(20);
        course.answer();
      }
      const asked = course.takeAsked();
      expect(asked).toContain("arrivals");
      expect(asked).toContain(isComplete(course.state) ? `changes ${"m"}` : "followed");
    }),
    { numRuns: 2000 },
  );
});

test("plan() forgets an outage that ends a read after the last subscriber left", () => {
  const course = new Course().settled("some").poll();
  const { read } = course;
  if (read === null) throw new Error("nothing was asked");
  course.see({ kind: "following", following: "nothing" });
  course.nowMs = 5000;
  course.see({ kind: "failure", read, error: new Error("gone"), askedMs: 0 });
  expect(course.state.outage).toEqual(NOT_POLLING.outage);
  expect(course.told).toEqual([]);
});
