/** `watch list`: the sessions of an archive, newest first. */

import process from "node:process";
import type { Logger } from "@logtape/logtape";
import type { SessionSummary } from "../watch/session.ts";
import { EXIT } from "./exit.ts";
import { printable, writeLine } from "./output.ts";
import { syncEverything } from "./sync-everything.ts";
import { countMalformed } from "./troubles.ts";
import { wire } from "./wiring.ts";
import type { CommonOptions } from "./wiring.ts";

/** The flags of `watch list`. */
export interface ListOptions extends CommonOptions {
  format: "text" | "json";
  project?: string;
  agent?: string;
  /** At most so many. */
  limit: number;
}

/** @returns the exit code. */
export async function list(options: ListOptions, log: Logger): Promise<number> {
  const { store, engine, close } = await wire(options, log);
  try {
    if (engine !== undefined) await syncEverything(engine, log);
    const { limit, project, agent } = options;
    const query = {
      limit,
      ...(project === undefined ? {} : { project }),
      ...(agent === undefined ? {} : { agent }),
    };
    const { sessions, total } = await store.list(query);
    if (options.format === "json") await writeLine(JSON.stringify({ sessions, total }));
    else if (sessions.length > 0) await writeLine(sessions.map(lineOf).join("\n"));
    return EXIT.done;
  } finally {
    await close();
  }
}

/**
 * `<id>  <last activity>  <messages>  <project>  <title>`, one line of the terminal at most; where lines could not be
 * read, that is said at its end, and is not what is left out.
 */
function lineOf(session: SessionSummary): string {
  const active = String(session["ended_at"] ?? session["started_at"] ?? "")
    .slice(0, 16)
    .replace("T", " ");
  const title = String(session["display_name"] ?? session["title"] ?? session["first_message"] ?? "")
    .replaceAll(/\s+/g, " ")
    .slice(0, 60);
  const columns = [session.id, active.padEnd(16), String(session.message_count).padStart(5)];
  const line = printable([...columns, String(session["project"] ?? ""), title].join("  ").trimEnd());
  const lines = Number(session["parser_malformed_lines"] ?? 0);
  const mark = lines > 0 ? `  (${countMalformed(lines)})` : "";
  const room = process.stdout.isTTY ? process.stdout.columns - mark.length : Infinity;
  return line.slice(0, Math.max(room, 0)) + mark;
}
