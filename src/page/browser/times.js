/** Times for people. */

const HOUR = 60;
const DAY = 24 * HOUR;

/** @param {Date} time */
export function ago(time) {
  const minutes = (Date.now() - time.getTime()) / 60_000;
  if (minutes >= 7 * DAY) return time.toLocaleDateString(undefined, { dateStyle: "medium" });
  if (minutes >= DAY) return `${Math.floor(minutes / DAY)} d ago`;
  if (minutes >= HOUR) return `${Math.floor(minutes / HOUR)} h ago`;
  return minutes >= 1 ? `${Math.floor(minutes)} min ago` : "now";
}

/** @param {Date} time */
export function dateAndTime(time) {
  return time.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}
