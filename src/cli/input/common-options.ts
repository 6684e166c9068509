/** Options that several commands share. */

import { Option } from "commander";
import type { Command } from "commander";
import { HEARTBEAT_TICKS, POLL_INTERVAL_MS, SYNC_FALLBACK_DELAY_MS } from "../../watch/watcher.ts";
import { LOG_FORMATS, LOG_LEVELS } from "../output/log.ts";
import { parseDuration, parseMachineName } from "./arguments.ts";

/** Adds the options of every command. */
export function addCommonOptions(program: Command): void {
  program
    .option(
      "--db <url>",
      "archive: sqlite:PATH, file:URL, a path, or postgres://… (default: $SESSIONWATCH_DB, else our own archive)",
    )
    .option(
      "--insecure",
      "allow insecure access: PostgreSQL on another machine without TLS, and `serve` on the network without a token",
      false,
    )
    .option("--no-sync", "only read the archive, never the transcripts")
    .addOption(duration("--poll-interval <duration>", "interval of the safety-net poll", POLL_INTERVAL_MS))
    .addOption(
      duration(
        "--sync-delay <duration>",
        "sync a transcript directly when the archive lags behind it for this long",
        SYNC_FALLBACK_DELAY_MS,
      ),
    )
    .addOption(duration("--heartbeat <duration>", "heartbeat interval", POLL_INTERVAL_MS * HEARTBEAT_TICKS))
    .addOption(new Option("--log-level <level>", "lowest level to log").choices(LOG_LEVELS).default("info"))
    .addOption(
      new Option("--log-format <format>", "log as text or as JSON lines")
        .choices(LOG_FORMATS)
        .default("text"),
    );
}

/** `--machine`, for commands that sync. */
export function machineOption(): Option {
  return new Option(
    "--machine <name>",
    "machine name for synced sessions (default: $SESSIONWATCH_MACHINE, else the host name in PostgreSQL, `local` in SQLite)",
  ).argParser(parseMachineName);
}

/** `--poll`, for commands that run on. */
export function pollOption(): Option {
  return new Option("--poll", "check transcripts on every poll instead of relying on file notifications");
}

function duration(flags: string, description: string, defaultMs: number): Option {
  const text = defaultMs % 1000 === 0 ? `${defaultMs / 1000}s` : `${defaultMs}ms`;
  return new Option(flags, description).argParser(parseDuration).default(defaultMs, text);
}
