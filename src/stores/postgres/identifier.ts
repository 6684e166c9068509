/** Names as SQL has them. */

/** @returns the name, quoted: whatever it consists of, it is one name. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** @returns a text as SQL has it, for the few statements that take no parameters. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
