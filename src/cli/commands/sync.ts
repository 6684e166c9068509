/** `watch sync`: brings the archive up to date once. */

import process from "node:process";
import { Argument } from "commander";
import type { Command } from "commander";
import type { SyncArchiveOptions } from "../../app/sync-archive.ts";
import { WatchError } from "../../errors.ts";
import { systemClock } from "../../runtime/clock.ts";
import { EXIT } from "../exit.ts";
import type { Done } from "../exit.ts";
import { machineOption } from "../input/common-options.ts";
import { openLog } from "../output/log.ts";
import type { LogFlags } from "../output/log.ts";
import { writeLine } from "../output/output.ts";
import { ProblemLog } from "../output/problem-log.ts";
import { openProgressBar, summaryLine } from "../output/progress-bar.ts";

interface SyncFlags extends SyncArchiveOptions, LogFlags {}

export function addSync(program: Command, done: Done): void {
  program
    .command("sync")
    .description("bring the archive up to date once")
    .addArgument(new Argument("[target]", "the path of a transcript, or a session (default: everything)"))
    .addOption(machineOption())
    .action(async (target: string | undefined, _options, command: Command) =>
      done(await sync(target, command.optsWithGlobals<SyncFlags>())),
    );
}

/** @returns the exit code: 1 if any transcript could not be read. @throws WatchError, PipeClosed. */
async function sync(target: string | undefined, flags: SyncFlags): Promise<number> {
  if (!flags.sync) throw new WatchError("usage", "`watch sync` cannot be used with --no-sync");
  const problems = new ProblemLog(await openLog(flags), systemClock);
  const { syncArchive, syncSession } = await import("../../app/sync-archive.ts");
  try {
    if (target !== undefined) {
      await writeLine(`synced ${await syncSession(target, flags, problems)}`);
      return EXIT.done;
    }
    const display = await openProgressBar(process.stderr, systemClock);
    const { report, tookMs } = await syncArchive(flags, problems, display);
    await writeLine(summaryLine(report, tookMs));
    return report.failures.length === 0 ? EXIT.done : EXIT.failed;
  } finally {
    problems.flush();
  }
}
