/** The rules of the house that a machine can check: format, lint, types, and the walls between the folders. */

import { describe, expect, test } from "bun:test";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "..");

function run(...command: [string, ...string[]]): { code: number; output: string } {
  const [tool, ...args] = command;
  const { exitCode, stdout, stderr } = Bun.spawnSync([join(ROOT, "node_modules/.bin", tool), ...args], {
    cwd: ROOT,
    env: { ...process.env, NO_COLOR: "1" },
  });
  return { code: exitCode, output: `${stdout}${stderr}` };
}

describe("the house", () => {
  test.each([
    ["oxfmt", "--check", "."],
    ["oxlint", "--deny-warnings", "."],
    ["tsc", "--noEmit"],
    ["tsc", "--noEmit", "-p", "src/page/browser"],
    ["deno", "check", "src/main.ts", "src/mod.ts"],
  ] as const)("is clean: %s %s %s %s", (...command) => {
    const { code, output } = run(...(command.filter(Boolean) as [string, ...string[]]));
    expect(code, output).toBe(0);
  });

  /** One import that each folder must not make, of every kind that there is. */
  const trespasses: [folder: string, statement: string][] = [
    ["src/watch", 'import { readFile } from "node:fs/promises";\nvoid readFile;'],
    ["src/watch", 'import type { Store } from "../stores/open.ts";\nexport type X = Store;'],
    ["src/watch", "export const timer = setTimeout(() => undefined, 1);"],
    ["src/agents", 'import { Feed } from "../watch/feed.ts";\nvoid Feed;'],
    ["src/agents", 'export { statMtime } from "../sync/files.ts";'],
    ["src/stores", 'void (await import("../sync/engine.ts"));'],
    ["src/stores/sqlite", 'import { openStore } from "../open.ts";\nvoid openStore;'],
    ["src/stores/sqlite/database", 'import { findIds } from "../read/sessions.ts";\nvoid findIds;'],
    ["src/stores/sqlite/notify", 'import { findIds } from "../read/sessions.ts";\nvoid findIds;'],
    ["src/stores/sqlite/read", 'import { readSource } from "../write/sources.ts";\nvoid readSource;'],
    ["src/stores/postgres", 'import { openSqlite } from "../sqlite/open.ts";\nvoid openSqlite;'],
    ["src/stores/postgres/read", 'import { stateOf } from "../../sqlite/read/sessions.ts";\nvoid stateOf;'],
    ["src/stores/postgres/read", 'import { cellAs } from "../write/cell.ts";\nvoid cellAs;'],
    ["src/stores/postgres/read", 'import { PostgresStore } from "../store.ts";\nvoid PostgresStore;'],
    ["src/stores/postgres/write", 'import { asText } from "../read/values-as-text.ts";\nvoid asText;'],
    ["src/stores/postgres/write", 'import { initArchive } from "../admin/init.ts";\nvoid initArchive;'],
    ["src/stores/postgres/admin", 'import { findSchema } from "../read/introspection.ts";\nvoid findSchema;'],
    [
      "src/stores/postgres/notify",
      'import { findSchema } from "../read/introspection.ts";\nvoid findSchema;',
    ],
    ["src/stores/postgres/schema", 'import { dial } from "../connect/dial.ts";\nvoid dial;'],
    ["src/stores/postgres/connect", 'import { channelOf } from "../notify/trigger.ts";\nvoid channelOf;'],
    ["src/stores/postgres/sql", 'import { dial } from "../connect/dial.ts";\nvoid dial;'],
    ["src/stores/postgres", "export const timer = setTimeout(() => undefined, 1);"],
    ["src/sync/reading", 'import type { Source } from "../sources/source.ts";\nexport type X = Source;'],
    ["src/sync/sources", 'import { LiveSync } from "../live/live.ts";\nvoid LiveSync;'],
    ["src/sync/live", 'import { SyncEngine } from "../engine.ts";\nvoid SyncEngine;'],
    ["src/sync", 'import { openStore } from "../stores/open.ts";\nvoid openStore;'],
    ["src/server", 'import { systemClock } from "../runtime/clock.ts";\nvoid systemClock;'],
    ["src/server", 'import { readFileSync } from "node:fs";\nvoid readFileSync;'],
    ["src/server/streams", 'import { openStore } from "../../stores/open.ts";\nvoid openStore;'],
    ["src/server/streams", 'import { hostIn } from "../guards/hosts.ts";\nvoid hostIn;'],
    ["src/server/streams", 'import { Hono } from "hono";\nvoid Hono;'],
    ["src/server/guards", 'import { createApp } from "../app.ts";\nvoid createApp;'],
    ["src/server/guards", 'import { allRoutes } from "../routes/routes.ts";\nvoid allRoutes;'],
    ["src/server/guards", 'import type { Route } from "../route.ts";\nexport type X = Route;'],
    ["src/server/routes", 'import { guards } from "../guards/guards.ts";\nvoid guards;'],
    ["src/server/routes", 'import { createApp } from "../app.ts";\nvoid createApp;'],
    ["src/server/openapi", 'export { route } from "../route.ts";'],
    ["src/server/request", 'import { route } from "../route.ts";\nvoid route;'],
    ["src/server/monitoring", 'import { Streams } from "../streams/streams.ts";\nvoid Streams;'],
    ["src/page/browser", 'import { PAGE } from "../files.ts";\nvoid PAGE;'],
    ["src/runtime", 'import { WatchError } from "../errors.ts";\nvoid WatchError;'],
    ["src/cli", "export const runtime = Bun;"],
  ];

  test.each(trespasses)("has walls that the linter sees: %s: %s", (folder, statement) => {
    const path = join(ROOT, folder, `trespass-${crypto.randomUUID()}.ts`);
    try {
      writeFileSync(path, `${statement}\n`);
      const { code, output } = run("oxlint", "--deny-warnings", path);
      expect([code, output]).toEqual([1, expect.stringMatching(/no-restricted-(imports|globals)/)]);
    } finally {
      rmSync(path);
    }
  });
});

test("the lock file has an entry for every platform's package: npm ci refuses it otherwise", () => {
  const lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as {
    packages: Record<string, { optionalDependencies?: Record<string, string> }>;
  };
  const named = Object.values(lock.packages).flatMap(({ optionalDependencies = {} }) =>
    Object.keys(optionalDependencies),
  );
  expect(named.filter((name) => lock.packages[`node_modules/${name}`] === undefined)).toEqual([]);
});
