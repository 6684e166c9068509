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

/** A line for a person, on standard error. Control characters could drive a terminal, so they are shown instead. */
export function complain(message: string): Promise<void> {
  return write(process.stderr, `watch: ${printable(message)}\n`);
}

/** @returns `text` with its control characters, and those that turn the direction of writing, made visible. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, (character) => {
    // Line breaks are ours: a list of candidates has one a line.
    if (character === "\n") return character;
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

function write(stream: NodeJS.WriteStream, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(new PipeClosed("the pipe is closed", { cause: error }));
    // Bun reports a closed pipe as an event, Deno to the callback; without a listener the event would end us.
    stream.once("error", fail);
    stream.write(text, (error) => {
      // The event follows the callback: stay until then.
      setTimeout(() => stream.off("error", fail), 0);
      if (error) fail(error);
      else resolve();
    });
  });
}
