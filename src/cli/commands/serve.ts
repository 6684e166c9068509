/** `watch serve`: runs the HTTP server until a signal stops it. */

import process from "node:process";
import type { Command } from "commander";
import type { ServeOptions } from "../../app/serve.ts";
import { MAX_STREAMS } from "../../app/stream-limit.ts";
import { systemClock } from "../../runtime/clock.ts";
import { VERSION } from "../../version.ts";
import { EXIT, Stop, stopOnSignal } from "../exit.ts";
import type { Done } from "../exit.ts";
import { collectOrigin, parseHttpUrl, parseWhole } from "../input/arguments.ts";
import { machineOption, pollOption } from "../input/common-options.ts";
import { accessOf } from "../input/exposure-flags.ts";
import type { ExposureFlags } from "../input/exposure-flags.ts";
import { openLog } from "../output/log.ts";
import type { LogFlags } from "../output/log.ts";
import { ProblemLog } from "../output/problem-log.ts";
import { serverLog } from "../output/serve-log.ts";

interface ServeFlags extends Omit<ServeOptions, "access">, ExposureFlags, LogFlags {}

export function addServe(program: Command, done: Done): void {
  program
    .command("serve")
    .description("stream sessions over HTTP (Server-Sent Events), with a web page")
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--port <port>", "port to listen on; 0 picks a free one", parseWhole(0, 65_535), 7373)
    .option("--token-file <file>", "require the token in this file (default: $SESSIONWATCH_TOKEN, else none)")
    .option("--public-url <url>", "URL that clients use, behind a proxy or under a name", parseHttpUrl)
    .option(
      "--cors-origin <origin>",
      "allow web pages of this origin to use the server; repeatable",
      collectOrigin,
      [],
    )
    .option(
      "--max-streams <n>",
      `concurrent streams (default: ${MAX_STREAMS}, or what the limit of open files allows)`,
      parseWhole(1, 10_000_000),
    )
    .option(
      "--max-streams-per-address <n>",
      "concurrent streams of one client address (default: a tenth of --max-streams)",
      parseWhole(1, 10_000_000),
    )
    .addOption(pollOption())
    .addOption(machineOption())
    .action(async (_options, command: Command) => done(await serve(command.optsWithGlobals<ServeFlags>())));
}

/** @returns the exit code, when it was asked to stop. @throws WatchError */
async function serve(flags: ServeFlags): Promise<number> {
  const log = await openLog(flags);
  const problems = new ProblemLog(log, systemClock);
  const access = accessOf(flags, (message) => problems.warn(message));
  const { signal } = stopOnSignal();
  const { startServer } = await import("../../app/serve.ts");
  try {
    const server = await startServer({ ...flags, access }, { ...serverLog(log), reporter: problems }, signal);
    log.info("listening on {url}", { url: server.url, version: VERSION, pid: process.pid });
    await aborted(signal);
    log.info("stopping with {streams} streams open", { streams: server.openStreams });
    await server.stop();
  } catch (error) {
    // A Stop: the signal came before the archive answered.
    if (!(error instanceof Stop)) throw error;
  } finally {
    problems.flush();
  }
  return EXIT.done;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
