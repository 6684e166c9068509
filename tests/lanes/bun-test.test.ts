/** What real runs of `bun test` report, in which everything goes wrong that can. */

import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Workspace } from "../support/workspace.ts";
import { bunTest } from "./bun-test.ts";
import { detailsOf } from "./details.ts";
import { resultsOf } from "./junit.ts";
import { closing, outcomeOf } from "./outcome.ts";
import type { Outcome } from "./outcome.ts";
import { sectionsOf } from "./sections.ts";
import type { TestResult } from "./junit.ts";

// Files for the runs below. The skipped and the forgotten test are what the runner has to report.
const FILES: Readonly<Record<string, string>> = {
  "good.test.ts": `test('has "quotes" & <tags>', () => {});`,
  "bad.test.ts": `describe("group", () => { describe("inner", () => { test("breaks", () => expect(1).toBe(2)) }) });`,
  "skip.test.ts": `test("runs", () => {}); test.skip("waits (skipped: no curl)", () => {});`,
  "todo.test.ts": `test("runs", () => {}); test.todo("is forgotten");`,
  "late.test.ts": `test("throws later", async () => { setTimeout(() => { throw new Error("late") }, 1); await Bun.sleep(50) });`,
  "load.test.ts": `throw new Error("not loaded");`,
  "killed.test.ts": `test("before", () => {}); test("dies", () => process.kill(process.pid, "SIGKILL"));`,
  "exits.test.ts": `test("exits", () => process.exit(0));`,
};

let workspace: Workspace;
beforeAll(() => {
  workspace = new Workspace();
  for (const [name, text] of Object.entries(FILES))
    writeFileSync(
      workspace.path(name),
      `import { describe, expect, test } from "bun:test";\nvoid [describe, expect];\n${text}\n`,
    );
});
afterAll(() => workspace[Symbol.dispose]());

async function run(
  files: readonly string[],
  ...args: string[]
): Promise<{ outcome: Outcome; output: string; results: TestResult[] }> {
  const options = {
    cwd: workspace.folder,
    env: {},
    reportPath: workspace.path(`${crypto.randomUUID()}.xml`),
    show: () => undefined,
  };
  const { output, report, exitCode } = await bunTest([...args, ...files.map((file) => `./${file}`)], options);
  const results = resultsOf(report);
  const outcome = outcomeOf({ files, results, exitCode, picksNames: args.includes("-t=runs") });
  return { outcome, output, results };
}

describe.each([
  ["one by one", []],
  ["side by side", ["--parallel=3", "--no-isolate"]],
])("bunTest() %s", (_how, args) => {
  test("counts what went well", async () => {
    const { outcome } = await run(["good.test.ts", "skip.test.ts"], ...args);
    expect(closing(outcome)).toBe("Skipped:\n  skip.test.ts: waits: no curl\n2 passed, 0 failed, 1 skipped");
  });

  test("reports failures, and errors between tests", async () => {
    const files = ["good.test.ts", "bad.test.ts", "late.test.ts"];
    const { outcome, output, results } = await run(files, ...args);
    expect(outcome).toMatchObject({ passed: 1, failed: 2, failedFiles: ["bad.test.ts", "late.test.ts"] });
    const section = sectionsOf(output, files).get("bad.test.ts") ?? "";
    const details = detailsOf("bad.test.ts", section, results);
    expect(details).toMatch(/Expected: 2\nReceived: 1\n/);
    expect(details).toContain("(fail) group > inner > breaks");
  });

  test("reports a skip without a reason", async () => {
    const { outcome } = await run(["todo.test.ts"], ...args);
    expect(outcome).toMatchObject({ passed: 1, failed: 1, failedFiles: ["todo.test.ts"] });
  });

  test.each(["load.test.ts", "killed.test.ts", "exits.test.ts"])(
    "reports a file that %s takes down",
    async (file) => {
      const { outcome } = await run([file], ...args);
      expect(outcome).toMatchObject({ failed: 1, failedFiles: [file] });
    },
  );
});

test("bunTest() side by side goes on with other files after one that dies", async () => {
  const files = Object.keys(FILES);
  const { outcome } = await run(files, "--parallel=3", "--no-isolate");
  expect(outcome.failedFiles).toEqual(
    files.filter((file) => !["good.test.ts", "skip.test.ts"].includes(file)).toSorted(),
  );
});

test("resultsOf() names tests with their groups, outermost first, and as they are", async () => {
  const reportPath = workspace.path("names.xml");
  const options = { cwd: workspace.folder, env: {}, reportPath, show: () => undefined };
  const { report } = await bunTest(["./good.test.ts", "./bad.test.ts"], options);
  expect(resultsOf(report)).toEqual([
    { file: "good.test.ts", name: 'has "quotes" & <tags>', outcome: "passed" },
    {
      file: "bad.test.ts",
      name: "group > inner > breaks",
      outcome: "failed",
      failure: expect.stringMatching(/^AssertionError: expect\(received\)[^]*Received: 1\n/),
    },
  ]);
});
