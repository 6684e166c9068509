/** Missing permissions are reported in one line. When root runs these tests, the program runs as nobody. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync } from "node:fs";
import { ForeignArchive } from "../support/archives.ts";
import { BINARY } from "../support/program.ts";
import { Workspace } from "../support/workspace.ts";

const NOBODY = 65_534;

let workspace: Workspace;
let watch: string;

beforeEach(() => {
  workspace = new Workspace();
  chmodSync(workspace.folder, 0o755);
  // Where the binary was built, nobody else may be able to go.
  watch = workspace.path("watch");
  copyFileSync(BINARY.command[0] ?? "", watch);
  chmodSync(watch, 0o755);
});
afterEach(() => workspace[Symbol.dispose]());

function run(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  const { status, stdout, stderr } = spawnSync(watch, args, {
    ...user,
    env: workspace.env,
    cwd: "/",
    encoding: "utf8",
  });
  return { code: status, stdout, stderr };
}

describe("the binary, run by an ordinary user", () => {
  test("reports an archive that it may not read", () => {
    using archive = new ForeignArchive(workspace.path("view.db")).add("a");
    chmodSync(archive.path, 0o000);
    const stderr = `watch: Cannot read archive ${JSON.stringify(archive.path)}: permission denied\n`;
    expect(run("a", "--db", archive.path)).toEqual({ code: 1, stdout: "", stderr });
  });

  test("reports a data folder that it may not create", () => {
    mkdirSync(workspace.data);
    chmodSync(workspace.data, 0o555);
    workspace = Object.assign(workspace, { data: `${workspace.data}/deeper` });
    const stderr = `watch: Cannot create archive ${JSON.stringify(workspace.archive)}: permission denied; SESSIONWATCH_DATA_DIR names another folder\n`;
    expect(run("list")).toEqual({ code: 1, stdout: "", stderr });
  });

  test("reads an archive in a read-only folder", () => {
    const archive = new ForeignArchive(workspace.path("theirs", "view.db")).add("a");
    archive.db.close();
    chmodSync(workspace.path("theirs"), 0o555);
    chmodSync(archive.path, 0o444);
    expect(run("a", "--db", archive.path, "--initial", "--count", "1")).toMatchObject({
      code: 0,
      stderr: "",
    });
    chmodSync(workspace.path("theirs"), 0o755);
  });
});
