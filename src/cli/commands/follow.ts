/** `watch <id>`, `watch --all`: prints one line per event. */

import process from "node:process";
import type { Logger } from "@logtape/logtape";
import { Option } from "commander";
import type { Command } from "commander";
import type { FollowArchiveOptions } from "../../app/follow-archive.ts";
import { MAX_RETRIES } from "../../client/retries.ts";
import { WatchError } from "../../errors.ts";
import { systemClock } from "../../runtime/clock.ts";
import type { StreamEvent } from "../../session/events.ts";
import type { FollowTarget } from "../../session/follow-target.ts";
import { EXIT, Stop, stopOnSignal } from "../exit.ts";
import type { Done } from "../exit.ts";
import { parseDuration, parseWhole } from "../input/arguments.ts";
import { pollOption } from "../input/common-options.ts";
import { followTargetOf } from "../input/follow-target.ts";
import type { FollowTargetFlags } from "../input/follow-target.ts";
import { readToken } from "../input/token-file.ts";
import { logConnection } from "../output/connection-log.ts";
import { eventText } from "../output/event-text.ts";
import { openLog } from "../output/log.ts";
import type { LogFlags } from "../output/log.ts";
import { writeLine } from "../output/output.ts";
import { ProblemLog } from "../output/problem-log.ts";

interface FollowFlags extends FollowArchiveOptions, FollowTargetFlags, LogFlags {
  format: "ndjson" | "text";
  /** Ends after this many `session_updated` lines. */
  count?: number;
  /** In ms. */
  timeout?: number;
  /** The server to follow through, instead of an archive. */
  server?: string;
  tokenFile?: string;
  /** Failed connections in a row before giving up. */
  maxRetries: number;
}

/** Declares the default command. @returns it, for the help. */
export function addFollow(program: Command, done: Done): Command {
  return program
    .command("follow", { isDefault: true, hidden: true })
    .usage("<id> [options]")
    .description("follow one session, or all of them")
    .argument("[id]", "a full id, an id without its agent prefix, a unique prefix, or `latest`")
    .option("--all", "follow every session, including those that start later")
    .option("--project <name>", "with --all: only sessions of this project")
    .option("--agent <name>", "with --all: only sessions of this agent")
    .option("--machine <name>", "with --all: only sessions of this machine")
    .addOption(
      new Option("--format <format>", "one JSON object per line, or lines for people")
        .choices(["ndjson", "text"])
        .default(process.stdout.isTTY ? "text" : "ndjson", "text on a terminal, else ndjson"),
    )
    .option("--initial", "begin with a session_updated line for the current state of each session")
    .option("--count <n>", "exit after n session_updated lines", parseWhole(1, Number.MAX_SAFE_INTEGER))
    .option("--timeout <duration>", "exit with code 124 after this time", parseDuration)
    .option("--server <url>", "follow through a running `watch serve` instead of an archive")
    .option("--token-file <path>", "file with the token for --server (default: $SESSIONWATCH_TOKEN)")
    .option(
      "--max-retries <n>",
      "with --server: failed connections in a row before it exits",
      parseWhole(0, 1_000_000),
      MAX_RETRIES,
    )
    .addOption(pollOption())
    .action(async (id: string | undefined, _options, command: Command) => {
      const flags = command.optsWithGlobals<FollowFlags>();
      const target = followTargetOf(id, flags);
      done(await follow(target, flags, await openLog(flags)));
    });
}

/** @returns the exit code. @throws WatchError, PipeClosed. */
async function follow(target: FollowTarget, flags: FollowFlags, log: Logger): Promise<number> {
  const stopping = stopOnSignal();
  const { signal } = stopping;
  if (flags.timeout !== undefined)
    systemClock.after(flags.timeout, () => stopping.abort(new Stop(EXIT.timeout)));

  const format = flags.format === "text" ? eventText : JSON.stringify;
  const problems = new ProblemLog(log, systemClock);
  let updates = 0;
  try {
    for await (const event of await eventsOf(target, flags, problems, log, signal)) {
      const line = format(event);
      if (line !== null) await writeLine(line);
      if (event.event === "session_updated") updates += 1;
      if (updates === flags.count) return EXIT.done;
    }
  } catch (error) {
    // What the stop interrupted is not a failure.
    if (!signal.aborted) throw error;
  } finally {
    problems.flush();
  }
  return signal.reason instanceof Stop ? signal.reason.exitCode : EXIT.failed;
}

async function eventsOf(
  target: FollowTarget,
  flags: FollowFlags,
  problems: ProblemLog,
  log: Logger,
  signal: AbortSignal,
): Promise<AsyncIterable<StreamEvent>> {
  const { initial = false, server, tokenFile, maxRetries } = flags;
  if (server !== undefined) {
    const token = readToken(tokenFile);
    const { followServer } = await import("../../app/follow-server.ts");
    const onConnection = logConnection.bind(null, log);
    return followServer(server, target, { initial, maxRetries, token, signal, onConnection });
  }
  if (tokenFile !== undefined) throw new WatchError("usage", "--token-file needs --server");
  const { followArchive } = await import("../../app/follow-archive.ts");
  return followArchive(target, flags, problems, signal);
}
