/** A Go client that oapi-codegen makes from the OpenAPI document, where the machine has Go and its modules. */

import { afterAll, expect } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { openApiJson } from "../support/openapi-json.ts";
import { testUnless } from "../support/unless.ts";
import { Workspace } from "../support/workspace.ts";

const GENERATOR = "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2";
/** Its output needs this module, and no other version than it was made for. */
const RUNTIME = "github.com/oapi-codegen/runtime@v1.9.0";
/** Go downloads and compiles the generator once, and keeps it. */
const TIMEOUT_MS = 300_000;

const workspace = new Workspace();
afterAll(() => workspace[Symbol.dispose]());

testUnless(whyNot())(
  "a Go client made by oapi-codegen compiles",
  async () => {
    const folder = workspace.path("client");
    mkdirSync(folder);
    writeFileSync(`${folder}/openapi.json`, await openApiJson());
    const steps = [
      ["mod", "init", "client"],
      [
        "run",
        GENERATOR,
        "-generate",
        "types,client",
        "-package",
        "client",
        "-o",
        "client.go",
        "openapi.json",
      ],
      ["get", RUNTIME],
      ["vet", "./..."],
    ];
    for (const step of steps) {
      const { code, output } = go(step, folder);
      expect([code, code === 0 ? "" : output]).toEqual([0, ""]);
    }
  },
  TIMEOUT_MS,
);

/** @returns what keeps the test from running; null if nothing does. */
function whyNot(): string | null {
  if (Bun.which("go") === null) return "this machine has no go";
  const { code } = go(["run", GENERATOR, "-version"], workspace.folder);
  return code === 0 ? null : "oapi-codegen cannot be downloaded or built";
}

function go(args: readonly string[], cwd: string): { code: number; output: string } {
  const { exitCode, stdout, stderr } = Bun.spawnSync(["go", ...args], { cwd, timeout: TIMEOUT_MS });
  return { code: exitCode ?? 1, output: `${stdout}${stderr}` };
}
