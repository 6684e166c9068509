/** How far a reader of many sessions has read: `<epoch>.<sequence>`. */

/** Another epoch is another life of the server: its sequences mean nothing in this one. */
export interface Cursor {
  epoch: string;
  /** Of the last change that was read; each change has a higher one. */
  sequence: number;
}

/** @returns the cursor as it goes over the wire. */
export function formatCursor({ epoch, sequence }: Cursor): string {
  return `${epoch}.${sequence}`;
}

/** @returns null for what no server of ours can have sent. */
export function parseCursor(text: string): Cursor | null {
  const [, epoch, digits] = /^([\w-]{1,64})\.(\d{1,15})$/.exec(text) ?? [];
  return epoch === undefined ? null : { epoch, sequence: Number(digits) };
}
