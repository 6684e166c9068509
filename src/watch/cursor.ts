/** How far a subscriber of many sessions has read: `<epoch>.<sequence>`. */

/** Each start of the server has its own epoch: sequences of another one mean nothing. */
export interface Cursor {
  epoch: string;
  /** Sequence of the last change that was read; later changes have higher ones. */
  sequence: number;
}

/** @returns the cursor in its wire format. */
export function formatCursor({ epoch, sequence }: Cursor): string {
  return `${epoch}.${sequence}`;
}

/** @returns null for text that is no cursor. */
export function parseCursor(text: string): Cursor | null {
  const [, epoch, digits] = /^([\w-]{1,64})\.(\d{1,15})$/.exec(text) ?? [];
  return epoch === undefined ? null : { epoch, sequence: Number(digits) };
}
