/** Names and texts as SQL. */

import { randomUUID } from "node:crypto";

/** @returns the quoted name, safe for any text. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** @param text without NUL. @returns a literal, for statements without parameters. */
export function literal(text: string): string {
  // In a plain literal, a server setting decides what backslashes mean.
  return `E'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}

/**
 * @returns a literal for a long text, unchanged between two random tags: the server reads this form fastest.
 */
export function dollarQuoted(text: string): string {
  const tag = `$w${randomUUID().replaceAll("-", "")}$`;
  // Practically impossible, but a text that contains the tag could inject SQL.
  return text.includes(tag) ? dollarQuoted(text) : tag + text + tag;
}
