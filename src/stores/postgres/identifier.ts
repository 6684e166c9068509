/** Names as SQL has them. */

/** @returns the name, quoted: whatever it consists of, it is one name. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** @returns a text as SQL has it, for statements that take no parameters; the server knows no NUL. */
export function literal(text: string): string {
  // What a plain one makes of backslashes is a setting of the server's.
  return `E'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}
