/** The log on standard error: text for people, JSON lines for programs. */

import process from "node:process";
import type { Logger, LogRecord } from "@logtape/logtape";
import { printable } from "../../session/printable.ts";

/** From the least to the most severe. */
export const LOG_LEVELS = ["debug", "info", "warning", "error"] as const;
export const LOG_FORMATS = ["text", "json"] as const;

/** The flags of the log. */
export interface LogFlags {
  logLevel: (typeof LOG_LEVELS)[number];
  logFormat: (typeof LOG_FORMATS)[number];
}

/** @returns the program's logger. The library is loaded here, so that `--version` and `--help` need not wait for it. */
export async function openLog({ logLevel, logFormat }: LogFlags): Promise<Logger> {
  const { configure, getLogger, jsonLinesFormatter } = await import("@logtape/logtape");
  // JSON lines have the finished message; its parts are in `properties`.
  const jsonLine = (record: LogRecord): string =>
    jsonLinesFormatter({ ...record, message: [messageIn(record)] });
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
  return `watch: ${level === "info" ? "" : `${level}: `}${printable(messageIn(record))}\n`;
}

function messageIn({ message }: LogRecord): string {
  return message.map(String).join("");
}
