/** Writing to standard output: lines that arrive whole, in time, or not at all. */

import process from "node:process";

/** Standard output was closed by its reader, as `head` does: there is nobody left to write for. */
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

/** A message for a person, on standard error; its line breaks are kept. */
export function complain(message: string): Promise<void> {
  return write(process.stderr, `watch: ${message.split("\n").map(printable).join("\n")}\n`);
}

/**
 * @returns `text` as one line that drives no terminal: control characters, line ends, and what turns the direction
 * of writing are made visible.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
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
    // Bun reports a closed pipe as an event, Deno to the callback; without a listener the event would end us.
    stream.once("error", fail);
    // The event follows the callback: done is only what has left no listener behind.
    const settle = (error: Error | null | undefined): void => {
      stream.off("error", fail);
      if (error) fail(error);
      else resolve();
    };
    stream.write(text, (error) => void setImmediate(settle, error));
  });
}
