/** What makes a PostgreSQL archive tell of its changes: triggers that notify listeners of the ids of sessions. */

import { quoted } from "./identifier.ts";

/** A notification with this payload says that any session may have changed. */
export const ANYTHING = "*";

/** Names all triggers, and the function that they call, begin with. */
export const PREFIX = "sessionwatch_";

/** So many ids in one statement are still named; more are `ANYTHING`. */
const IDS_MAX = 1000;
/** In bytes: a payload must stay below 8000, and may be longer than this by as much as an id. */
const PAYLOAD_BYTES = 7000;
const ID_BYTES_MAX = 900;

const EVENTS = [
  ["INSERT", "REFERENCING NEW TABLE AS changed"],
  ["UPDATE", "REFERENCING NEW TABLE AS changed"],
  ["DELETE", "REFERENCING OLD TABLE AS changed"],
  ["TRUNCATE", ""],
] as const;

/** So many triggers make an archive one that tells of its changes. */
export const TRIGGER_COUNT = EVENTS.length;

/** @param table the object id of the archive's `sessions`. @returns the channel on which its changes are told. */
export function channelOf(table: number): string {
  return `${PREFIX}${table}`;
}

/**
 * @returns the statements that create function and triggers; they stand for those that were there before. To be run in one
 * transaction.
 */
export function installTrigger(schema: string): string[] {
  const [table, notify] = namesIn(schema);
  return [
    // Nobody but the writer pays for it, and little: once for each statement, however many rows it writes.
    `CREATE OR REPLACE FUNCTION ${notify}() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
      channel CONSTANT text := '${PREFIX}' || TG_RELID;
      ids text[];
      payload text;
    BEGIN
      IF TG_OP <> 'TRUNCATE' THEN
        ids := ARRAY(SELECT id::text FROM changed LIMIT ${IDS_MAX + 1});
      END IF;
      IF TG_OP = 'TRUNCATE' OR cardinality(ids) > ${IDS_MAX}
        OR EXISTS (SELECT FROM unnest(ids) AS id WHERE octet_length(to_json(id)::text) > ${ID_BYTES_MAX})
      THEN
        PERFORM pg_notify(channel, '${ANYTHING}');
        RETURN NULL;
      END IF;
      FOR payload IN
        SELECT json_agg(id)::text FROM (
          SELECT id, sum(octet_length(to_json(id)::text) + 2) OVER (ORDER BY position) / ${PAYLOAD_BYTES} AS batch
          FROM unnest(ids) WITH ORDINALITY AS one (id, position)
        ) AS batched GROUP BY floor(batch)
      LOOP
        PERFORM pg_notify(channel, payload);
      END LOOP;
      RETURN NULL;
    END
    $$`,
    ...dropTriggers(table),
    ...EVENTS.map(
      ([event, referencing]) =>
        `CREATE TRIGGER ${triggerFor(event)} AFTER ${event} ON ${table} ${referencing}
         FOR EACH STATEMENT EXECUTE FUNCTION ${notify}()`,
    ),
  ];
}

/** @returns the statements that leave nothing of it. To be run in one transaction. */
export function removeTrigger(schema: string): string[] {
  const [table, notify] = namesIn(schema);
  return [...dropTriggers(table), `DROP FUNCTION IF EXISTS ${notify}()`];
}

function namesIn(schema: string): [table: string, notify: string] {
  return [`${quoted(schema)}.sessions`, `${quoted(schema)}.${PREFIX}notify`];
}

function dropTriggers(table: string): string[] {
  return EVENTS.map(([event]) => `DROP TRIGGER IF EXISTS ${triggerFor(event)} ON ${table}`);
}

function triggerFor(event: string): string {
  return `${PREFIX}${event.toLowerCase()}`;
}
