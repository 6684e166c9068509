import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openApiJson } from "../../support/openapi-json.ts";
import { Workspace } from "../../support/workspace.ts";

const ROOT = join(import.meta.dir, "../../..");

test("openApiDocument() passes redocly's recommended rules without an error or a warning", async () => {
  using workspace = new Workspace();
  const path = workspace.path("openapi.json");
  writeFileSync(path, await openApiJson());
  const redocly = join(ROOT, "node_modules/.bin/redocly");
  const { exitCode, stdout, stderr } = Bun.spawnSync(
    [redocly, "lint", path, "--extends=recommended", "--format=json"],
    {
      cwd: workspace.folder,
      env: { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" },
    },
  );
  expect([exitCode, stderr.toString()]).toEqual([0, expect.stringContaining("validated")]);
  expect(JSON.parse(stdout.toString())).toMatchObject({ totals: { errors: 0, warnings: 0 }, problems: [] });
}, 60_000);
