/** What a machine may be called. */

import { printable } from "../session/printable.ts";

/** The rule in words, for messages. */
export const MACHINE_NAME_RULE = "a name of 1 to 100 characters, on one line";

/** @returns whether `text` can be a machine's name. */
export function isMachineName(text: string): boolean {
  return text.trim() !== "" && text.length <= 100 && printable(text) === text;
}
