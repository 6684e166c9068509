/** Which text a server can hold: its UTF-8 knows neither NUL nor halves of surrogate pairs. */

/** @returns whether the server can hold the text as it is: an id that it cannot hold is in no archive. */
export function isStorable(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}

/** @returns the text with U+FFFD in place of what the server cannot hold. */
export function storable(text: string): string {
  return text.replaceAll("\0", "\ufffd").toWellFormed();
}
