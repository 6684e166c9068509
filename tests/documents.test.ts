/** The documents tell the truth: what they name exists, and their example runs. */

import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { metricsText } from "../src/server/monitoring/metrics.ts";
import { ForeignArchive } from "./support/archives.ts";
import { someSources } from "./support/metrics-sources.ts";
import { Workspace } from "./support/workspace.ts";

const ROOT = join(import.meta.dir, "..");
const MANUAL = readdirSync(join(ROOT, "docs"))
  .filter((name) => name.endsWith(".md"))
  .map((name) => `docs/${name}`);
/** Flags of our benchmarks. */
const OTHERS = new Set(["--binary"]);
const COMMANDS = [[], ["serve"], ["list"], ["sync"], ["pg"], ["pg", "install"], ["pg", "init"]];

describe.each(["README.md", "CONTRIBUTING.md", "CHANGELOG.md", ...MANUAL])("%s", (path) => {
  const text = textOf(path);

  test("links only to what exists", () => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)];
    const broken = links.filter(([, file = "", anchor]) => {
      const target = file === "" ? path : join(dirname(path), file);
      if (!existsSync(join(ROOT, target))) return true;
      return anchor !== undefined && !anchorsIn(textOf(target)).includes(anchor);
    });
    expect(broken.map(([link]) => link)).toEqual([]);
  });

  test("names only commands and flags that the program has", () => {
    const lines = [...text.matchAll(/^\s*(?:\$ )?(?:\.\/dist\/)?(watch .*)$/gm)].map(
      ([, line]) => line ?? "",
    );
    const spans = [...text.matchAll(/`((?:watch )?[^`]*?--[^`]*)`/g)].map(([, span]) => span ?? "");
    const ours = spans.filter((span) => /^(--|watch )/.test(span) && !OTHERS.has(span.split(" ")[0] ?? ""));
    const flags = [...lines, ...ours].flatMap((line) => line.match(/(?<=^| )--[a-z][a-z-]*/g) ?? []);
    expect(flags.filter((flag) => !helpText().includes(`${flag} `))).toEqual([]);
  });
});

test("the README is at most 150 lines of at most 120 columns", () => {
  const lines = textOf("README.md").trimEnd().split("\n");
  expect(lines.length).toBeLessThanOrEqual(150);
  expect(lines.filter((line) => line.length > 120)).toEqual([]);
});

test("the README names every command, and every page of the manual", () => {
  const readme = textOf("README.md");
  for (const command of ["serve", "list", "sync"]) expect(readme).toContain(`watch ${command}`);
  expect(MANUAL.filter((page) => !readme.includes(`(${page})`))).toEqual([]);
});

test("the README names the test command that CI runs", () => {
  expect(textOf("README.md")).toContain("npm test");
  expect(textOf(".ci/run").trimEnd().split("\n").at(-1)).toBe("npm test");
});

test("CONTRIBUTING names only files that exist", () => {
  const files = ["src", "tests", "bench"].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map(
      (path) => `/${folder}/${path}`,
    ),
  );
  const named = [...textOf("CONTRIBUTING.md").matchAll(/`([\w./-]+\.(?:ts|js))`/g)].map(
    ([, name]) => name ?? "",
  );
  expect(named.length).toBeGreaterThan(0);
  expect(named.filter((name) => !files.some((path) => path.endsWith(`/${name}`)))).toEqual([]);
});

test("docs/server.md names every metric, and none that there is not", async () => {
  const text = await metricsText(someSources(), { version: "0", onError: () => undefined });
  const namesIn = (where: string, pattern: RegExp): string[] =>
    [...new Set([...where.matchAll(pattern)].map(([, name]) => name ?? ""))].sort();
  expect(namesIn(textOf("docs/server.md"), /`((?:sessionwatch|process)_\w+)/g)).toEqual(
    namesIn(text, /^# TYPE (\w+)/gm),
  );
});

test("docs/benchmarks.md names every benchmark", () => {
  const { stderr } = Bun.spawnSync([process.execPath, "run", "bench/run.ts", "no-such-bench"], { cwd: ROOT });
  const names = /there are (.*)/.exec(stderr.toString())?.[1]?.split(", ") ?? [];
  expect(names.length).toBeGreaterThan(5);
  const page = textOf("docs/benchmarks.md");
  expect(names.filter((name) => !page.includes(`| \`${name}\``))).toEqual([]);
});

test("the example of docs/embedding.md runs", async () => {
  using workspace = new Workspace();
  using archive = new ForeignArchive(workspace.path("sessions.db")).add("93a9705e");
  const example = /```ts\n([^]*?)```/.exec(textOf("docs/embedding.md"))?.[1] ?? "";
  const script = workspace.path("example.ts");
  writeFileSync(script, example.replace('"sessionwatch"', JSON.stringify(join(ROOT, "src/mod.ts"))));
  const program = Bun.spawn([process.execPath, script], { cwd: workspace.folder, stdout: "pipe" });
  const written = setInterval(() => archive.touch("93a9705e"), 20);
  for await (const chunk of program.stdout) {
    expect(new TextDecoder().decode(chunk)).toStartWith("session_updated 93a9705e\n");
    break;
  }
  clearInterval(written);
  program.kill();
  await program.exited;
});

function textOf(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** @returns the anchors of a document's headings, as GitHub makes them. */
function anchorsIn(text: string): string[] {
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading ?? "");
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w -]/g, "")
      .replaceAll(" ", "-"),
  );
}

let help: string | null = null;

/** @returns the help of all commands. */
function helpText(): string {
  help ??= COMMANDS.map((command) =>
    Bun.spawnSync([join(ROOT, "dist/watch"), ...command, "--help"]).stdout.toString(),
  ).join("\n");
  return help;
}
