/**
 * The triggers that NOTIFY the ids of changed sessions. They fire for statements that name the table itself; polls find
 * what logical replication applies, what is written with `session_replication_role = replica`, or to a partition.
 */

import { quoted } from "../sql/quoting.ts";

/** The payload that says that any session may have changed; every other payload is a JSON array of ids. */
export const ANYTHING = "*";

/** Begins the names of the triggers and of their function. */
const PREFIX = "sessionwatch_";

/** The triggers' function, without its schema. */
export const FUNCTION = `${PREFIX}notify`;

/**
 * Older servers cannot replace a trigger, only drop it, which only its owner can do and which locks out all readers.
 */
const MIN_SERVER_VERSION = 14;

/**
 * @param version the server's `server_version_num`: 180004 is 18.4.
 * @returns why the server cannot have the triggers; null if it can.
 */
export function refusalOf(version: number): string | null {
  return version < MIN_SERVER_VERSION * 10_000 ? `it needs PostgreSQL ${MIN_SERVER_VERSION} or newer` : null;
}

/** A statement that changes more sessions notifies `ANYTHING`. */
const IDS_MAX = 1000;
/** In bytes: a payload must stay below 8000, and may exceed this by one id. */
const PAYLOAD_BYTES = 7000;
const ID_BYTES_MAX = 900;
/**
 * How full (0 to 1) the server's queue may be for notifications with ids, and for any. When it is full, because a
 * listener stays in a transaction, no transaction that notifies can commit.
 */
const QUEUE_USAGE = { ids: 0.5, anything: 0.9 };

const EVENTS = [
  ["INSERT", "REFERENCING NEW TABLE AS changed"],
  // The old rows show whether an id was changed, which is like deleting the session that had it.
  ["UPDATE", "REFERENCING NEW TABLE AS changed OLD TABLE AS replaced"],
  ["DELETE", "REFERENCING OLD TABLE AS changed"],
  ["TRUNCATE", ""],
] as const;

/** An archive that has this many of our triggers notifies its changes. */
export const TRIGGER_COUNT = EVENTS.length;

/**
 * @param table SQL for the object id of the archive's `sessions`.
 * @returns SQL for whether all triggers exist and are enabled, and the server's queue has room.
 */
export function notifiesSql(table: string): string {
  return `(SELECT pg_catalog.count(*) = ${TRIGGER_COUNT}
      AND pg_catalog.pg_notification_queue_usage() <= ${QUEUE_USAGE.anything}
    FROM pg_catalog.pg_trigger
    WHERE tgrelid = ${table} AND pg_catalog.starts_with(tgname::text, '${PREFIX}') AND tgenabled IN ('O', 'A'))`;
}

/** @param table the object id of the archive's `sessions`. @returns the channel of its notifications. */
export function channelOf(table: number): string {
  return `${PREFIX}${table}`;
}

/**
 * @returns the statements, for one transaction, that create the function and the triggers or replace older ones, and
 *   enable them.
 */
export function installTrigger(schema: string): string[] {
  const table = `${quoted(schema)}.sessions`;
  return [
    `CREATE OR REPLACE FUNCTION ${functionIn(schema)}() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$ ${BODY} $$`,
    // Another role that created a function of this name earlier could otherwise replace its body later.
    `ALTER FUNCTION ${functionIn(schema)}() OWNER TO CURRENT_USER`,
    ...EVENTS.map(
      ([event, referencing]) =>
        `CREATE OR REPLACE TRIGGER ${PREFIX}${event.toLowerCase()} AFTER ${event} ON ${table} ${referencing}
         FOR EACH STATEMENT EXECUTE FUNCTION ${functionIn(schema)}()`,
    ),
  ];
}

/** @returns the statements, for one transaction, that remove everything, also if the table was renamed. */
export function removeTrigger(schema: string): string[] {
  // CASCADE also drops the triggers, which a role that owns the function but not the table could not do otherwise.
  return [`DROP FUNCTION IF EXISTS ${functionIn(schema)}() CASCADE`];
}

/**
 * It runs with the rights of the role that writes, needs none of its own, and runs once per statement. Its errors, such
 * as a missing `id` column, go to the server's log and never fail the writer. Notifications have a cost that the
 * trigger cannot avoid: commits that notify take turns, and a transaction that notified cannot be prepared for a
 * two-phase commit.
 */
const BODY = `
    DECLARE
      channel CONSTANT text := '${PREFIX}' || TG_RELID;
      usage CONSTANT float8 := pg_notification_queue_usage();
      total bigint;
      ids text;
      payload text;
      is_named boolean := false;
    BEGIN
      IF usage > ${QUEUE_USAGE.anything} THEN
        RETURN NULL;
      END IF;
      IF TG_OP <> 'TRUNCATE' THEN
        SELECT count(*), json_agg(few.id::text)::text INTO total, ids
        FROM (SELECT changed.id FROM changed LIMIT ${IDS_MAX + 1}) AS few;
        IF total = 0 THEN
          RETURN NULL;
        END IF;
        is_named := total <= ${IDS_MAX} AND usage <= ${QUEUE_USAGE.ids};
        IF is_named AND TG_OP = 'UPDATE' THEN
          is_named := NOT EXISTS (SELECT replaced.id FROM replaced EXCEPT SELECT changed.id FROM changed);
        END IF;
      END IF;
      IF is_named AND octet_length(ids) <= ${PAYLOAD_BYTES} THEN
        PERFORM pg_notify(channel, ids);
        RETURN NULL;
      END IF;
      IF is_named THEN
        is_named := NOT EXISTS (
          SELECT FROM json_array_elements(ids::json) AS one (id) WHERE octet_length(one.id::text) > ${ID_BYTES_MAX});
      END IF;
      IF NOT is_named THEN
        PERFORM pg_notify(channel, '${ANYTHING}');
        RETURN NULL;
      END IF;
      FOR payload IN
        SELECT json_agg(sized.id)::text FROM (
          SELECT one.id, sum(octet_length(one.id::text) + 2) OVER (ORDER BY one.place) / ${PAYLOAD_BYTES} AS batch
          FROM json_array_elements(ids::json) WITH ORDINALITY AS one (id, place)
        ) AS sized GROUP BY sized.batch
      LOOP
        PERFORM pg_notify(channel, payload);
      END LOOP;
      RETURN NULL;
    EXCEPTION WHEN OTHERS THEN
      RAISE LOG 'sessionwatch cannot notify which sessions changed: %', SQLERRM;
      PERFORM pg_notify(channel, '${ANYTHING}');
      RETURN NULL;
    END
    `;

function functionIn(schema: string): string {
  return `${quoted(schema)}.${FUNCTION}`;
}
