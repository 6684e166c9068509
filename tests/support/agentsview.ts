/** A stand-in for the `agentsview` executable: it writes down how it was asked, and syncs the real archive. */

import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { until } from "./program.ts";

/**
 * - `sync`: it does what it is asked to
 * - `keep`: it finds nothing new, and leaves the session's row as it is
 * - `fail`: it ends with an error
 * - `hang`: it never ends, and neither does what it has started
 */
export type Conduct = "sync" | "keep" | "fail" | "hang";

export interface Call {
  args: string[];
  pid: number;
  /** Of a process that it has started. */
  childPid?: number;
  AGENTSVIEW_DATA_DIR?: string;
  AGENT_VIEWER_DATA_DIR?: string;
  AGENTSVIEW_NO_DAEMON?: string;
}

export class FakeAgentsview {
  readonly folder: string;

  constructor(folder: string, version = "v0.46.1") {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "version"), version);
    writeFileSync(join(folder, "program.cjs"), PROGRAM);
    // Bun's path may have blanks, which a first line of a script cannot quote.
    const script = `#!/bin/sh\nexec '${process.execPath}' '${join(folder, "program.cjs")}' "$@"\n`;
    writeFileSync(join(folder, "agentsview"), script);
    chmodSync(join(folder, "agentsview"), 0o755);
    this.conduct = "sync";
  }

  set conduct(conduct: Conduct) {
    writeFileSync(join(this.folder, "conduct"), conduct);
  }

  /** A PATH on which it is the first. */
  get path(): string {
    return [this.folder, process.env["PATH"]].join(delimiter);
  }

  /** How it was asked to sync. */
  get calls(): Call[] {
    return this.#lines("calls") as Call[];
  }

  /** How often it was asked for its version. */
  get versionCalls(): number {
    return this.#lines("versions").length;
  }

  /** In the order in which they happened. */
  get startsAndEnds(): string[] {
    return this.#lines("times") as string[];
  }

  #lines(name: string): unknown[] {
    const path = join(this.folder, name);
    if (!existsSync(path)) return [];
    const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as unknown);
  }
}

/** Resolves when neither the process nor what it has started runs any more: a kill takes its time. */
export async function gone({ pid, childPid = pid }: Call): Promise<void> {
  await until(
    () => !isRunning(pid) && !isRunning(childPid),
    () => `the end of ${pid} and ${childPid}`,
  );
}

/** One that has ended, and that nobody has asked for its exit code, does not run. */
function isRunning(pid: number): boolean {
  const { stdout } = Bun.spawnSync(["ps", "-o", "stat=", "-p", String(pid)]);
  return /^[^Z]/.test(stdout.toString().trim());
}

const PROGRAM = `
const { appendFileSync, readFileSync, statSync } = require("node:fs");
const { spawn } = require("node:child_process");
const { DatabaseSync } = require("node:sqlite");
const read = (name) => readFileSync(__dirname + "/" + name, "utf8");
const note = (name, value) => appendFileSync(__dirname + "/" + name, JSON.stringify(value) + "\\n");

const args = process.argv.slice(2);
if (args[0] === "--version") {
  note("versions", args);
  console.log("agentsview " + read("version") + " (commit 0, built 2026-01-01)");
  process.exit(0);
}
const conduct = read("conduct");
const { AGENTSVIEW_DATA_DIR, AGENT_VIEWER_DATA_DIR, AGENTSVIEW_NO_DAEMON } = process.env;
const childPid = conduct === "hang" ? spawn("sleep", ["600"], { stdio: "inherit" }).pid : undefined;
const { pid } = process;
note("calls", { args, pid, childPid, AGENTSVIEW_DATA_DIR, AGENT_VIEWER_DATA_DIR, AGENTSVIEW_NO_DAEMON });
const id = args.at(-1);
note("times", "start " + id);
console.log("synced: noise");
console.error("2026/01/01 00:00:00 migration: noise");
if (conduct === "fail") {
  console.error("fatal: cannot reach postgres://user:hunter2@db/x: torn\\nmore");
  process.exitCode = 1;
} else if (conduct === "hang") {
  setInterval(() => undefined, 1000);
} else if (conduct === "sync") {
  const db = new DatabaseSync(AGENTSVIEW_DATA_DIR + "/sessions.db", { timeout: 5000 });
  const { file_path } = db.prepare("SELECT file_path FROM sessions WHERE id = ?").get(id);
  const { mtimeNs } = statSync(file_path, { bigint: true });
  db.prepare("UPDATE sessions SET message_count = message_count + 1, file_mtime = ? WHERE id = ?").run(mtimeNs, id);
  db.close();
}
note("times", "end " + id);
`;
