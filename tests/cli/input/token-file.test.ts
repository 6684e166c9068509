import { afterEach, beforeEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { readToken } from "../../../src/cli/input/token-file.ts";
import { Workspace } from "../../support/workspace.ts";

let workspace: Workspace;
beforeEach(() => {
  workspace = new Workspace();
});
afterEach(() => {
  delete process.env["SESSIONWATCH_TOKEN"];
  workspace[Symbol.dispose]();
});

test("readToken() reads the file, else the variable, else nothing", () => {
  expect(readToken(undefined)).toBe(null);
  process.env["SESSIONWATCH_TOKEN"] = "";
  expect(readToken(undefined)).toBe(null);
  process.env["SESSIONWATCH_TOKEN"] = "from-variable";
  expect(readToken(undefined)).toBe("from-variable");
  expect(readToken(fileWith("\n from-file~!\r\n"))).toBe("from-file~!");
});

test("readToken() says what is wrong, but never shows the token", () => {
  for (const text of ["", " \n", "hunter2 hunter2", "hunter2\nhunter2", "hunter2é", "hunter2\0"]) {
    const { message, code } = failure(() => readToken(fileWith(text)));
    expect([message, code]).toEqual([expect.not.stringContaining("hunter2"), "usage"]);
    expect(message).toContain(`--token-file ${workspace.path("token")}`);
  }
  expect(failure(() => readToken(workspace.path("nothing"))).code).toBe("usage");
  expect(failure(() => readToken(workspace.folder)).code).toBe("usage");
  process.env["SESSIONWATCH_TOKEN"] = "hunter2\thunter2";
  expect(failure(() => readToken(undefined)).message).toStartWith(
    "SESSIONWATCH_TOKEN: the token is not one word of ASCII characters",
  );
});

function fileWith(text: string): string {
  const path = workspace.path("token");
  writeFileSync(path, text);
  return path;
}

function failure(run: () => unknown): { message: string; code: string } {
  try {
    run();
  } catch (error) {
    return error as { message: string; code: string };
  }
  throw new Error("it did not fail");
}
