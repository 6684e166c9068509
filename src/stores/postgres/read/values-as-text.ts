/** SQL that turns values into text, whatever the settings of the connection are. */

/** RFC 3339 UTC with microseconds. */
const TIME_FORMAT = `'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'`;

/** @returns SQL for the value of a column as text, without loss. */
export function asText(column: string, type: string): string {
  if (type === "timestamp with time zone")
    return `pg_catalog.to_char(${column} AT TIME ZONE 'UTC', ${TIME_FORMAT})`;
  if (type === "timestamp without time zone") return `pg_catalog.to_char(${column}, ${TIME_FORMAT})`;
  return `${column}::text`;
}

/** @returns SQL for the value of a column as JSON has it, with times and documents as text. */
export function asValue(column: string, type: string): string {
  return /^(timestamp|json|uuid)/.test(type) ? asText(column, type) : column;
}

/** @returns a time with milliseconds if it has no microseconds. */
export function shortTime(text: string): string {
  return text.replace(/^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})000Z$/, "$1Z");
}
