/** Writes to standard output and standard error: whole lines, or an error. */

import process from "node:process";
import { printable } from "../../session/printable.ts";

/** The reader of standard output has closed it, as `head` does. */
export class PipeClosed extends Error {
  override readonly name = "PipeClosed";
}

/**
 * Writes one line, and resolves when the system has taken it.
 *
 * @throws PipeClosed
 */
export function writeLine(line: string): Promise<void> {
  return write(process.stdout, `${line}\n`);
}

/** Writes a message for a person to standard error; line breaks are kept. */
export function complain(message: string): Promise<void> {
  return write(process.stderr, `watch: ${message.split("\n").map(printable).join("\n")}\n`);
}

function write(stream: NodeJS.WriteStream, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      const isClosed = error.code === "EPIPE" || error.code === "ECONNRESET";
      reject(
        isClosed
          ? new PipeClosed("the pipe is closed", { cause: error })
          : new Error(`Cannot write: ${error.message}`, { cause: error }),
      );
    };
    // Bun reports a closed pipe as an event, Deno to the callback. Without a listener the event would end the process.
    stream.once("error", fail);
    // Bun emits the event after the callback, so the listener stays until then.
    const settle = (error: Error | null | undefined): void => {
      stream.off("error", fail);
      if (error) fail(error);
      else resolve();
    };
    stream.write(text, (error) => void setImmediate(settle, error));
  });
}
