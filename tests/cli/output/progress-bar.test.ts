import { describe, expect, test } from "bun:test";
import { PassThrough } from "node:stream";
import fc from "fast-check";
import {
  bytesPerSecond,
  countdown,
  ProgressBar,
  progressLine,
  summaryLine,
  withSample,
} from "../../../src/cli/output/progress-bar.ts";
import type { Sample } from "../../../src/cli/output/progress-bar.ts";
import type { Progress } from "../../../src/sync/engine.ts";
import { FakeClock } from "../../support/clock.ts";

const HALFWAY: Progress = { files: 1632, filesDone: 612, bytes: 300_300_000, bytesDone: 113_000_000 };
const WIDTHS = fc.integer({ min: 1, max: 250 });

describe("progressLine()", () => {
  test("shows as much as fits", () => {
    const lines = [120, 80, 70, 60, 40, 30, 20, 10].map((columns) =>
      progressLine(HALFWAY, 48_700_000, columns),
    );
    expect(lines).toEqual([
      "syncing  ███████████████░░░░░░░░░░░░░░░░░░░░░░░░░   612/1632 files  113.0/300.3 MB   48.7 MB/s   0:04 left",
      "syncing  ████░░░░░░░░░   612/1632 files  113.0/300.3 MB   48.7 MB/s   0:04 left",
      "████░░░░░░░░   612/1632 files  113.0/300.3 MB   48.7 MB/s   0:04 left",
      "█████░░░░░░░░░   612/1632 files  113.0/300.3 MB   0:04 left",
      "███░░░░░░░   612/1632 files   0:04 left",
      "████░░░░░░░░   612/1632 files",
      "612/1632 files",
      "612/1632 ",
    ]);
  });

  test("shows an unknown speed as a dash", () => {
    expect(progressLine({ ...HALFWAY, filesDone: 1, bytesDone: 0 }, null, 80)).toBe(
      "syncing  ░░░░░░░░░░░░░     1/1632 files    0.0/300.3 MB      - MB/s   -:-- left",
    );
  });

  test("counts files if all of them are empty", () => {
    expect(progressLine({ files: 4, filesDone: 1, bytes: 0, bytesDone: 0 }, null, 20)).toBe(
      "██░░░░░░  1/4 files",
    );
  });

  const progresses = fc
    .record({
      files: fc.integer({ min: 1, max: 1e6 }),
      filesDone: fc.nat(1e6),
      bytes: fc.nat(1e13),
      bytesDone: fc.nat(2e13),
    })
    .filter(({ files, filesDone }) => filesDone <= files);
  const speeds = fc.option(fc.double({ min: 1e-3, max: 1e12, noNaN: true }));

  test("is one line, and leaves the last column free, for all figures", () => {
    fc.assert(
      fc.property(progresses, speeds, WIDTHS, (progress, speed, columns) => {
        const line = progressLine(progress, speed, columns);
        expect(line.length).toBeLessThan(columns);
        expect(line).toMatch(/^[\w█░ ./:-]*$/);
      }),
    );
  });

  test("keeps every figure in its column while it counts", () => {
    const steps = fc.record({ filesDone: fc.nat(HALFWAY.files), bytesDone: fc.nat(HALFWAY.bytes) });
    const usualSpeeds = fc.option(fc.double({ min: 1e5, max: 999e6, noNaN: true }));
    const widths = fc.integer({ min: 26, max: 250 });
    const shapeOf = (line: string): string => line.replace(/[█░]/g, "#").replace(/[\d.:-]/g, " ");
    fc.assert(
      fc.property(steps, usualSpeeds, widths, (step, speed, columns) => {
        const line = progressLine({ ...HALFWAY, ...step }, speed, columns);
        expect(shapeOf(line)).toBe(shapeOf(progressLine(HALFWAY, null, columns)));
      }),
    );
  });
});

describe("bytesPerSecond()", () => {
  test("is the work between the first sample and the last", () => {
    const samples = [
      { atMs: 1000, bytesDone: 5e6 },
      { atMs: 1100, bytesDone: 6e6 },
      { atMs: 3000, bytesDone: 25e6 },
    ];
    expect(bytesPerSecond(samples)).toBe(10e6);
  });

  test("is unknown before any work, and before any time has passed", () => {
    expect(bytesPerSecond([])).toBeNull();
    expect(bytesPerSecond([{ atMs: 1, bytesDone: 7 }])).toBeNull();
    for (const last of [
      { atMs: 1, bytesDone: 9 },
      { atMs: 2, bytesDone: 7 },
      { atMs: 0, bytesDone: 9 },
    ])
      expect(bytesPerSecond([{ atMs: 1, bytesDone: 7 }, last])).toBeNull();
  });
});

describe("withSample()", () => {
  test("drops samples older than 10 s, so that the speed is current", () => {
    let samples: readonly Sample[] = [];
    let bytesDone = 0;
    for (let atMs = 0; atMs <= 60_000; atMs += 100) {
      bytesDone += atMs < 30_000 ? 5e6 : 1e6;
      samples = withSample(samples, { atMs, bytesDone });
      expect(samples.length).toBeLessThanOrEqual(101);
    }
    expect(bytesPerSecond(samples)).toBe(10e6);
  });

  test("keeps one older sample to compare with after a long pause", () => {
    const samples = withSample([{ atMs: 0, bytesDone: 0 }], { atMs: 50_000, bytesDone: 100e6 });
    expect(bytesPerSecond(samples)).toBe(2e6);
  });
});

test("countdown() writes minutes and seconds, and hours if there are any", () => {
  expect([0, 0.1, 7, 59.5, 754, 3600, 3723, 360_000].map(countdown)).toEqual([
    "0:00",
    "0:01",
    "0:07",
    "1:00",
    "12:34",
    "1:00:00",
    "1:02:03",
    "100:00:00",
  ]);
});

test("summaryLine() says how many, how much, how long, what failed, and what was not synced", () => {
  const done = { files: 1632, filesDone: 1632, bytes: 300_300_000, bytesDone: 300_300_000 };
  const report = { ...done, failures: [], leftAlone: 0 };
  expect(summaryLine(report, 5120)).toBe("synced 1632 transcripts, 300.3 MB in 5.1 s");
  const failures = ["a", "b", null].map((id) => ({ id, path: `/${id}`, error: new Error("unreadable") }));
  expect(summaryLine({ ...report, failures }, 5120)).toBe(
    "synced 1630 transcripts, 300.3 MB in 5.1 s, 3 failed",
  );
  const one = { files: 1, filesDone: 1, bytes: 300, bytesDone: 300, failures: [], leftAlone: 0 };
  expect(summaryLine(one, 12)).toBe("synced 1 transcript, 0.0 MB in 0.0 s");
  expect(summaryLine({ ...one, leftAlone: 7 }, 12)).toBe(
    "synced 1 transcript, 0.0 MB in 0.0 s; 7 not synced: deleted, or of another machine",
  );
});

describe("ProgressBar", () => {
  async function open(columns = 80) {
    const screen = Object.assign(new PassThrough({ encoding: "utf8" }), { columns });
    const clock = new FakeClock();
    const written = (): string => String(screen.read() ?? "");
    return { bar: await ProgressBar.on(screen, clock), clock, screen, written };
  }

  /** @param share from 0 to 1. */
  const at = (share: number): Progress => ({
    files: 100,
    filesDone: Math.floor(share * 99),
    bytes: 1e9,
    bytesDone: share * 1e9,
  });

  test("draws nothing in the first 300 ms", async () => {
    const { bar, clock, written } = await open();
    for (let ms = 0; ms < 300; ms += 1) {
      bar.update(at(ms / 300));
      await clock.advance(1);
    }
    expect(written()).toBe("");
    bar.update(at(0.5));
    expect(written()).toContain("██████░░░░░░ ");
  });

  test("draws nothing if everything is done by then, and has nothing to clear", async () => {
    const { bar, clock, written } = await open();
    bar.update(at(0));
    await clock.advance(1000);
    bar.update({ ...at(1), filesDone: 100 });
    bar.clear();
    expect(written()).toBe("");
  });

  test("draws ten times a second, however often it is updated", async () => {
    const { bar, clock, written } = await open();
    for (let ms = 0; ms < 2300; ms += 1) {
      bar.update(at(ms / 2300));
      await clock.advance(1);
    }
    expect(written().match(/syncing/g)?.length).toBe(20);
  });

  test("draws for the current width of the terminal", async () => {
    const { bar, clock, screen, written } = await open();
    const widths: number[] = [];
    bar.update(at(0.3));
    for (const columns of [80, 200, 40, 0, 80]) {
      screen.columns = columns;
      await clock.advance(300);
      bar.update(at(0.5));
      widths.push(Bun.stripANSI(written()).trimEnd().length);
    }
    expect(widths).toEqual([79, 106, 39, 0, 79]);
  });

  test("clear() erases the bar, once", async () => {
    const { bar, clock, written } = await open();
    bar.update(at(0));
    await clock.advance(300);
    bar.update(at(0.5));
    written();
    bar.clear();
    const [eraseLine, up, toStart] = ["\u001b[2K", "\u001b[1A", "\u001b[G"];
    expect(written()).toBe(eraseLine + up + eraseLine + toStart);
    bar.clear();
    expect(written()).toBe("");
  });
});
