/** A connection that is lost, or cannot be opened, while several statements wait for their turn. */

import { expect, test } from "bun:test";
import { ReconnectingConnection } from "../../../../src/stores/postgres/connect/reconnecting-connection.ts";
import { systemAddress } from "../../../../src/stores/postgres/connect/archive-address.ts";
import { PostgresServer } from "../../../support/postgres/server.ts";
import { until, within } from "../../../support/program.ts";
import { systemClock } from "../../../../src/runtime/clock.ts";

const DEADLINE_MS = 60_000;

test("every statement fails with the connection, and none waits for its deadline", async () => {
  await using server = await PostgresServer.start();
  const link = new ReconnectingConnection(systemAddress(server.url("postgres")), systemClock, {
    purpose: "test",
  });
  const outcomes = (text: string): Promise<string[]> =>
    Promise.all(
      Array.from({ length: 5 }, (_, index) =>
        link.query(index === 0 ? text : "SELECT 1", [], DEADLINE_MS).then(
          () => "answered",
          () => "failed",
        ),
      ),
    );
  try {
    const lost = outcomes("SELECT pg_sleep(60)");
    await using sql = closing(server);
    await until(
      async () => (await sql.count("pg_sleep")) > 0,
      () => "the statement to run",
    );
    await server.stop("immediate");
    expect(await within(lost, () => "all to fail")).toEqual(Array(5).fill("failed"));
    expect(await within(outcomes("SELECT 1"), () => "all to fail")).toEqual(Array(5).fill("failed"));
    await server.resume();
    expect(await within(outcomes("SELECT 1"), () => "all to be answered")).toEqual(Array(5).fill("answered"));
  } finally {
    link.close();
  }
});

/** A connection that counts running statements. */
function closing(server: PostgresServer): AsyncDisposable & { count: (text: string) => Promise<number> } {
  const sql = server.connect("postgres");
  return {
    async count(text) {
      const rows =
        await sql`SELECT FROM pg_stat_activity WHERE query LIKE ${`%${text}%`} AND pid <> pg_backend_pid()`;
      return rows.length;
    },
    [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }),
  };
}
