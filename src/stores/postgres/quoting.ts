/** Names and texts as SQL has them. */

import { randomUUID } from "node:crypto";

/** @returns the name, quoted: whatever it consists of, it is one name. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** @returns a text as SQL has it, for statements that take no parameters; the server knows no NUL. */
export function literal(text: string): string {
  // What a plain one makes of backslashes is a setting of the server's.
  return `E'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}

/**
 * @returns a long text as SQL has it: as it is, between two tags that nobody can guess, which the server reads fastest.
 */
export function dollarQuoted(text: string): string {
  const tag = `$w${randomUUID().replaceAll("-", "")}$`;
  // A text cannot know its tag; should it have it all the same, it gets another one.
  return text.includes(tag) ? dollarQuoted(text) : tag + text + tag;
}
