/** Aider's headers have the local time of the machine that wrote them, without a zone. */

/**
 * @param utcMs the local time as if it were UTC (ms since the epoch).
 * @returns what is to be added to a UTC time to get the local one (ms).
 */
export type LocalZone = (utcMs: number) => number;

/** The zone of this machine. */
export const MACHINE_ZONE: LocalZone = (utcMs) => {
  const as = new Date(utcMs);
  const local = new Date(
    as.getUTCFullYear(),
    as.getUTCMonth(),
    as.getUTCDate(),
    as.getUTCHours(),
    as.getUTCMinutes(),
    as.getUTCSeconds(),
  );
  return utcMs - local.getTime();
};

/** @param text `YYYY-MM-DD HH:MM:SS`. @returns RFC 3339 UTC; null for a date that no calendar has. */
export function timeIn(zone: LocalZone, text: string): string | null {
  const written = `${text.replace(" ", "T")}.000Z`;
  const utcMs = Date.parse(written);
  if (Number.isNaN(utcMs) || utcMs < EARLIEST_MS || new Date(utcMs).toISOString() !== written) return null;
  return new Date(utcMs - zone(utcMs)).toISOString();
}

/** A day after the epoch: before it in no zone. */
const EARLIEST_MS = 24 * 60 * 60_000;
