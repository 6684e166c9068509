/** Which text a server can hold: neither NUL nor halves of surrogate pairs, and in some encodings much less. */

/** @returns whether a database in UTF-8 can hold the text. */
export function isStorable(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}

/**
 * @param encoding the server's name for it.
 * @returns a check whether a database in that encoding can hold a text; a query for any other text fails.
 */
export function storableIn(encoding: string): (text: string) => boolean {
  // SQL_ASCII accepts any bytes.
  if (encoding === "UTF8" || encoding === "SQL_ASCII") return isStorable;
  // All others contain ASCII, and we do not know what else.
  const last = encoding === "LATIN1" ? 0xff : 0x7f;
  return (text) =>
    isStorable(text) && [...text].every((character) => (character.codePointAt(0) ?? 0) <= last);
}

/** @returns the text with U+FFFD in place of what the server cannot hold. */
export function storable(text: string): string {
  return text.replaceAll("\0", "\ufffd").toWellFormed();
}
