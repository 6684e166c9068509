/** Text from sessions and arguments, made safe for a terminal. */

/** @returns `text` as one line, with control characters, line ends and bidirectional controls made visible. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
