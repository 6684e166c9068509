/** The log, on standard error: text for people, JSON lines for programs. */

import process from "node:process";
import { configure, getLogger, jsonLinesFormatter } from "@logtape/logtape";
import type { Logger, LogRecord } from "@logtape/logtape";
import { printable } from "./output.ts";

/** From the least to the worst. */
export const LOG_LEVELS = ["debug", "info", "warning", "error"] as const;
/** Lines for people; JSON lines for programs. */
export const LOG_FORMATS = ["text", "json"] as const;

/** The flags that say what is logged, and how. */
export interface LogOptions {
  logLevel: (typeof LOG_LEVELS)[number];
  logFormat: (typeof LOG_FORMATS)[number];
}

/** @returns the program's logger, ready to use. */
export async function openLog({ logLevel, logFormat }: LogOptions): Promise<Logger> {
  const format = logFormat === "json" ? jsonLine : textLine;
  await configure({
    reset: true,
    sinks: { stderr: (record: LogRecord) => void process.stderr.write(format(record)) },
    loggers: [
      { category: "watch", lowestLevel: logLevel, sinks: ["stderr"] },
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: ["stderr"] },
    ],
  });
  return getLogger("watch");
}

function textLine(record: LogRecord): string {
  const { level } = record;
  return `watch: ${level === "info" ? "" : `${level}: `}${printable(textOf(record))}\n`;
}

/** The message as it is in the text; what it consists of stands in `properties`. */
function jsonLine(record: LogRecord): string {
  return jsonLinesFormatter({ ...record, message: [textOf(record)] });
}

function textOf({ message }: LogRecord): string {
  return message.map(String).join("");
}
