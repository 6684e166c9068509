/** What goes wrong on the way to a server, in words for a person. */

import { messageOf } from "../../errors.ts";

/** @returns one clause. */
export function reasonOf(error: unknown): string {
  return messageOf(error).replaceAll(/\s+/g, " ");
}
