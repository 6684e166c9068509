/**
 * What makes a PostgreSQL archive tell of its changes: triggers that notify listeners of the ids of sessions. They know
 * the statements that name the table itself: what a subscription of logical replication applies, what is written with
 * `session_replication_role = replica`, or straight to a partition, is for the poll to find.
 */

import { quoted } from "../quoting.ts";

/** A notification with this payload says that any session may have changed; every other one is a JSON array of ids. */
export const ANYTHING = "*";

/** Names all triggers, and the function that they call, begin with. */
const PREFIX = "sessionwatch_";

/** What the triggers call, without its schema. */
export const FUNCTION = `${PREFIX}notify`;

/**
 * Older servers cannot replace a trigger, only drop it: for its owner alone, and in the way of whoever reads the table.
 */
const MIN_SERVER_VERSION = 14;

/**
 * @param version the server's own `server_version_num`: 180004 is 18.4.
 * @returns why it cannot have the triggers; null if it can.
 */
export function refusalOf(version: number): string | null {
  return version < MIN_SERVER_VERSION * 10_000 ? `it takes PostgreSQL ${MIN_SERVER_VERSION} or newer` : null;
}

/** So many ids in one statement are still named; more are `ANYTHING`. */
const IDS_MAX = 1000;
/** In bytes: a payload must stay below 8000, and may be longer than this by as much as an id. */
const PAYLOAD_BYTES = 7000;
const ID_BYTES_MAX = 900;
/**
 * How full (0 to 1) the server's queue may be for ids to be named, and for anything to be said. Where it is full,
 * because some listener sleeps in a transaction, nobody who notifies can commit.
 */
const QUEUE_USAGE = { naming: 0.5, telling: 0.9 };

const EVENTS = [
  ["INSERT", "REFERENCING NEW TABLE AS changed"],
  // The old rows show whether an id was changed: the session that had it is then gone, and anything may have changed.
  ["UPDATE", "REFERENCING NEW TABLE AS changed OLD TABLE AS replaced"],
  ["DELETE", "REFERENCING OLD TABLE AS changed"],
  ["TRUNCATE", ""],
] as const;

/** So many triggers make an archive one that tells of its changes. */
export const TRIGGER_COUNT = EVENTS.length;

/**
 * @param table SQL for the object id of the archive's `sessions`.
 * @returns SQL for whether all triggers are there and switched on, and the server's queue has room for what they tell.
 */
export function tellsSql(table: string): string {
  return `(SELECT pg_catalog.count(*) = ${TRIGGER_COUNT}
      AND pg_catalog.pg_notification_queue_usage() <= ${QUEUE_USAGE.telling}
    FROM pg_catalog.pg_trigger
    WHERE tgrelid = ${table} AND pg_catalog.starts_with(tgname::text, '${PREFIX}') AND tgenabled IN ('O', 'A'))`;
}

/** @param table the object id of the archive's `sessions`. @returns the channel on which its changes are told. */
export function channelOf(table: number): string {
  return `${PREFIX}${table}`;
}

/**
 * @returns the statements that create function and triggers; they stand for those that were there before, and are
 *   switched on. To be run in one transaction.
 */
export function installTrigger(schema: string): string[] {
  const table = `${quoted(schema)}.sessions`;
  return [
    `CREATE OR REPLACE FUNCTION ${functionIn(schema)}() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$ ${BODY} $$`,
    // Somebody else may have created a function of this name before, and could otherwise go on replacing its body.
    `ALTER FUNCTION ${functionIn(schema)}() OWNER TO CURRENT_USER`,
    ...EVENTS.map(
      ([event, referencing]) =>
        `CREATE OR REPLACE TRIGGER ${PREFIX}${event.toLowerCase()} AFTER ${event} ON ${table} ${referencing}
         FOR EACH STATEMENT EXECUTE FUNCTION ${functionIn(schema)}()`,
    ),
  ];
}

/** @returns the statements that leave nothing of it, wherever the table has got to. To be run in one transaction. */
export function removeTrigger(schema: string): string[] {
  // CASCADE drops the triggers as well, which a role could not do by itself that owns the function, but not the table.
  return [`DROP FUNCTION IF EXISTS ${functionIn(schema)}() CASCADE`];
}

/**
 * It runs as whoever writes, who needs no right to anything for it, and pays for it once for each statement, however
 * many rows that writes. What goes wrong in it, such as that the table has no `id` any more, is for the server's log,
 * and never the writer's failure. A notification has a price that nothing here can change: commits that notify take
 * turns, and a transaction that has notified cannot be prepared for a commit in two phases.
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
      IF usage > ${QUEUE_USAGE.telling} THEN
        RETURN NULL;
      END IF;
      IF TG_OP <> 'TRUNCATE' THEN
        SELECT count(*), json_agg(few.id::text)::text INTO total, ids
        FROM (SELECT changed.id FROM changed LIMIT ${IDS_MAX + 1}) AS few;
        IF total = 0 THEN
          RETURN NULL;
        END IF;
        is_named := total <= ${IDS_MAX} AND usage <= ${QUEUE_USAGE.naming};
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
      RAISE LOG 'sessionwatch cannot tell which sessions have changed: %', SQLERRM;
      PERFORM pg_notify(channel, '${ANYTHING}');
      RETURN NULL;
    END
    `;

function functionIn(schema: string): string {
  return `${quoted(schema)}.${FUNCTION}`;
}
