/** What is left of clients that come and go, in whatever way they go. Reads /proc, so it needs Linux. */

import { connect } from "node:net";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { serve, until } from "../tests/support/program.ts";
import { Workspace } from "../tests/support/workspace.ts";
import { makeForeign } from "./support/archives.ts";
import type { Figure, Setting } from "./support/figures.ts";
import { laneOf } from "./support/lane.ts";
import { memoryOf, openFilesOf } from "./support/usage.ts";

/** Before the first measure, and between it and the second. */
const WARM_UP = 20_000;
const CLIENTS = 100_000;
/** At the same time. */
const AT_ONCE = 200;
/** For garbage to be collected, in ms. */
const SETTLE_MS = 10_000;

/** How a client leaves, once the stream has begun. */
const WAYS: readonly ((socket: Socket) => void)[] = [
  // It says goodbye.
  (socket) => socket.destroy(),
  // It is killed with bytes unread.
  (socket) => socket.resetAndDestroy(),
  // It has nothing more to say, but would read on: half of the connection is open.
  (socket) => socket.end(),
];

export async function churn({ binary }: Setting): Promise<Figure[]> {
  if (process.platform !== "linux") return [{ what: "skipped", value: "needs /proc" }];
  using workspace = new Workspace();
  const path = workspace.path("sessions.db");
  const ids = makeForeign(path, 100);
  const lane = laneOf(binary);
  const { program, url } = await serve(lane, workspace.env, ["--db", path]);
  await using _program = program;
  const port = Number(new URL(url).port);
  const targets = [
    ...ids.slice(0, 10).map((id) => `/api/v1/sessions/${id}/watch`),
    "/api/v1/watch?all=true",
    "/api/v1/events",
    `/api/v1/watch?session=${ids[0]}&session=${ids[1]}`,
  ];
  // The archive is opened for the first one.
  await comeAndGo(port, targets, AT_ONCE);
  await sleep(SETTLE_MS);
  const filesBefore = openFilesOf(program.pid);

  const settle = async (): Promise<number> => {
    await until(
      () => openFilesOf(program.pid) <= filesBefore,
      () => `${openFilesOf(program.pid)} open files to become ${filesBefore}`,
    );
    await sleep(SETTLE_MS);
    return memoryOf(program.pid, "Rss");
  };
  await comeAndGo(port, targets, WARM_UP);
  const before = await settle();
  await comeAndGo(port, targets, CLIENTS);
  const after = await settle();
  return [
    { what: `resident memory after ${WARM_UP} clients`, value: `${(before / 1024).toFixed(1)} MB` },
    { what: `resident memory after ${CLIENTS} more`, value: `${(after / 1024).toFixed(1)} MB` },
    { what: "difference (aim: ≤ 10 %)", value: `${((after / before - 1) * 100).toFixed(1)} %` },
    { what: "streams open", value: await streamsOf(url) },
  ];
}

async function comeAndGo(port: number, targets: readonly string[], clients: number): Promise<void> {
  let left = clients;
  const one = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const target = targets[left % targets.length] ?? "/";
      await visit(port, target, WAYS[left % WAYS.length] ?? WAYS[0]);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

/** Resolves when the client has gone; every fourth leaves before it has asked its whole question. */
async function visit(
  port: number,
  target: string,
  leave: ((socket: Socket) => void) | undefined,
): Promise<void> {
  const socket = connect({ host: "127.0.0.1", port });
  const isHasty = Math.random() < 0.25;
  const head = `GET ${target} HTTP/1.1\r\nHost: localhost\r\n`;
  await new Promise<void>((resolve) => {
    // The server may have closed it first.
    socket.on("error", () => resolve());
    socket.on("close", () => resolve());
    socket.on("connect", () => {
      socket.write(isHasty ? head : `${head}\r\n`);
      if (isHasty) leave?.(socket);
    });
    socket.once("data", () => leave?.(socket));
  });
  socket.destroy();
}

/** As the server itself counts them. */
async function streamsOf(url: string): Promise<string> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const gauges = metrics.split("\n").filter((line) => /^sessionwatch_(streams|subscribers)\b/.test(line));
  return gauges.length === 0 ? "unknown" : gauges.join(", ");
}
