/** `watch list`: the sessions of an archive, newest first. */

import process from "node:process";
import type { Logger } from "@logtape/logtape";
import { activityOf, otherMachine, titleOf } from "../../session/session.ts";
import type { Session } from "../../session/session.ts";
import { EXIT } from "../exit.ts";
import { printable, writeLine } from "../output/output.ts";
import { syncEverything } from "../output/sync-everything.ts";
import { countMalformed } from "../output/troubles.ts";
import { filterOf } from "../input/target.ts";
import type { FilterFlags } from "../input/target.ts";
import { wire } from "../../app/wiring.ts";
import type { CommonOptions } from "../../app/wiring.ts";

/** The flags of `watch list`. */
export interface ListOptions extends CommonOptions, FilterFlags {
  format: "text" | "json";
  /** At most so many. */
  limit: number;
}

/** @returns the exit code. */
export async function list(options: ListOptions, log: Logger): Promise<number> {
  const { store, engine, close } = await wire(options, log);
  try {
    if (engine !== undefined) await syncEverything(engine, log);
    const { sessions, total } = await store.list({ limit: options.limit, ...filterOf(options) });
    if (options.format === "json") await writeLine(JSON.stringify({ sessions, total }));
    else if (sessions.length > 0) await writeLine(linesOf(sessions).join("\n"));
    return EXIT.done;
  } finally {
    await close();
  }
}

/** Whose sessions they are is said where they are not all of this machine. */
function linesOf(sessions: readonly Session[]): string[] {
  const machines = sessions.map(({ machine }) => String(machine ?? ""));
  const width = Math.max(...machines.map((machine) => machine.length));
  const isShared = sessions.some(({ machine }) => otherMachine(machine) !== null);
  return sessions.map((session, index) =>
    lineOf(session, isShared ? [machines[index]?.padEnd(width) ?? ""] : []),
  );
}

/**
 * `<id>  <last activity>  <messages>  <project>  <title>`, one line of the terminal at most; where lines could not be
 * read, that is said at its end, and is not what is left out.
 *
 * @param owner comes before the project.
 */
function lineOf(session: Session, owner: readonly string[]): string {
  const active = (activityOf(session) ?? "").slice(0, 16).replace("T", " ");
  const title = (titleOf(session) ?? "").replaceAll(/\s+/g, " ").slice(0, 60);
  const columns = [session.id, active.padEnd(16), String(session.message_count).padStart(5)];
  const line = printable([...columns, ...owner, session.project ?? "", title].join("  ").trimEnd());
  const lines = session.parser_malformed_lines ?? 0;
  const mark = lines > 0 ? `  (${countMalformed(lines)})` : "";
  const room = process.stdout.isTTY ? process.stdout.columns - mark.length : Infinity;
  return line.slice(0, Math.max(room, 0)) + mark;
}
