/** Sessions as a table: one line each. */

import { printable } from "../../session/printable.ts";
import { activityOf, otherMachine, titleOf } from "../../session/session.ts";
import type { Session } from "../../session/session.ts";
import { countMalformed } from "./problem-log.ts";

/**
 * `<id>  <last activity>  <messages>  [<machine>]  <project>  <title>`. The machine is shown unless all sessions are
 * this machine's.
 *
 * @param columns of the terminal; Infinity elsewhere.
 */
export function sessionLines(sessions: readonly Session[], columns: number): string[] {
  const machines = sessions.map(({ machine }) => String(machine ?? ""));
  const width = Math.max(...machines.map((machine) => machine.length));
  const isShared = sessions.some(({ machine }) => otherMachine(machine) !== null);
  return sessions.map((session, index) =>
    lineOf(session, isShared ? [machines[index]?.padEnd(width) ?? ""] : [], columns),
  );
}

/** A narrow terminal cuts the title, but never the note on malformed lines at the end. */
function lineOf(session: Session, owner: readonly string[], columns: number): string {
  const active = (activityOf(session) ?? "").slice(0, 16).replace("T", " ");
  const title = (titleOf(session) ?? "").replaceAll(/\s+/g, " ").slice(0, 60);
  const facts = [session.id, active.padEnd(16), String(session.message_count).padStart(5)];
  const line = printable([...facts, ...owner, session.project ?? "", title].join("  ").trimEnd());
  const lines = session.parser_malformed_lines ?? 0;
  const note = lines > 0 ? `  (${countMalformed(lines)})` : "";
  return line.slice(0, Math.max(columns - note.length, 0)) + note;
}
