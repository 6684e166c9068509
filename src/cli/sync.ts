/** `watch sync`: brings the archive up to date once. */

import process from "node:process";
import { resolve } from "node:path";
import type { Logger } from "@logtape/logtape";
import { messageOf, WatchError } from "../errors.ts";
import type { Progress, SyncEngine, SyncReport } from "../sync/engine.ts";
import { resolveId } from "../watch/resolve.ts";
import { EXIT } from "./exit.ts";
import { localIndex } from "./lookup.ts";
import { writeLine } from "./output.ts";
import { wire } from "./wiring.ts";
import type { CommonOptions } from "./wiring.ts";

/**
 * @param target a transcript's path or a session; everything if undefined.
 * @returns the exit code: 1 if any transcript could not be read.
 */
export async function sync(target: string | undefined, options: CommonOptions, log: Logger): Promise<number> {
  const { store, engine, close } = wire(options, log);
  try {
    if (engine === undefined) {
      throw new WatchError(
        "usage",
        options.sync ? "sync: only our own archive can be synced" : "sync: not with --no-sync",
      );
    }
    if (target !== undefined) {
      const transcript = engine.transcriptAt(resolve(target));
      if (transcript === null) await engine.sync(await resolveId(target, localIndex(store, engine)));
      else await engine.syncTranscript(transcript);
      return EXIT.done;
    }
    const report = await syncEverything(engine, log);
    await writeLine(
      `synced ${report.filesDone - report.failures.length} transcripts, ${megabytes(report.bytesDone)} MB`,
    );
    return report.failures.length === 0 ? EXIT.done : EXIT.failed;
  } finally {
    await close();
  }
}

/** Shows how far it is, on a terminal; a transcript that cannot be read is named and passed by. */
export async function syncEverything(engine: SyncEngine, log: Logger): Promise<SyncReport> {
  const isTerminal = process.stderr.isTTY === true;
  const report = await engine.syncAll(isTerminal ? { onProgress: showProgress } : {});
  if (isTerminal && report.files > 0) process.stderr.write(CLEAR_LINE);
  for (const { error } of report.failures) log.warning(messageOf(error));
  return report;
}

const CLEAR_LINE = "\r\u001b[K";

function showProgress({ files, filesDone, bytes, bytesDone }: Progress): void {
  const done = `${filesDone}/${files} transcripts, ${megabytes(bytesDone)}/${megabytes(bytes)} MB`;
  process.stderr.write(`${CLEAR_LINE}watch: syncing ${done}`);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
