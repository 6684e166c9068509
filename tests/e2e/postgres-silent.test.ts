/** A start that waits for an archive, and is told to stop meanwhile. */

import { describe, expect, test } from "bun:test";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { LANES, Program, within } from "../support/program.ts";
import { Workspace } from "../support/workspace.ts";

/** How long (ms) a program may take to end: less than the 2.5 s that it gives a server to answer. */
const STOP_MS = 2000;

describe.each(LANES)("a server that takes connections and never answers ($name)", (lane) => {
  test.each([
    ["serve", 0],
    ["latest", 143],
    ["--all", 143],
  ] as const)("keeps nobody from stopping: %s", async (command, code) => {
    using workspace = new Workspace();
    const { promise: isAsked, resolve } = Promise.withResolvers<void>();
    const silent = createServer(() => resolve()).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const url = `postgres://me@127.0.0.1:${port}/db?sslmode=disable`;
    const more = command === "serve" ? ["--port", "0"] : [];
    await using program = new Program(lane, [command, ...more, "--db", url], workspace.env);
    await within(isAsked, () => `a connection; stderr: ${program.stderr}`);
    const toldMs = performance.now();
    program.kill("SIGTERM");
    expect([await program.exit(), program.stderr]).toEqual([code, ""]);
    expect(performance.now() - toldMs).toBeLessThan(STOP_MS);
    silent.close();
  });
});
