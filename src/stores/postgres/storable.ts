/** Which text a server can hold: it knows neither NUL nor halves of surrogate pairs, and may know much less. */

/** @returns whether a server whose databases are in UTF-8 can hold the text as it is. */
export function isStorable(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}

/**
 * @param encoding as the server calls it.
 * @returns what says whether a text can be in a database of that encoding: to ask for another one would be an error.
 */
export function storableIn(encoding: string): (text: string) => boolean {
  // The latter takes any bytes for text.
  if (encoding === "UTF8" || encoding === "SQL_ASCII") return isStorable;
  // All others have ASCII; what else they have is not told.
  const last = encoding === "LATIN1" ? 0xff : 0x7f;
  return (text) =>
    isStorable(text) && [...text].every((character) => (character.codePointAt(0) ?? 0) <= last);
}

/** @returns the text with U+FFFD in place of what the server cannot hold. */
export function storable(text: string): string {
  return text.replaceAll("\0", "\ufffd").toWellFormed();
}
