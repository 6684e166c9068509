import { describe, expect, test } from "bun:test";
import { WatchError } from "../../../../src/errors.ts";
import { postgresReason } from "../../../../src/stores/postgres/sql/postgres-errors.ts";
import { sharedServer } from "../../../support/postgres/server.ts";

describe("postgresReason()", () => {
  test.each([
    ["28P01", "the password is wrong or missing"],
    ["3D000", "the database does not exist"],
    ["57P03", "the server is starting up"],
    ["57P01", "the server is shutting down"],
    ["53300", "the server has too many connections"],
    ["ECONNREFUSED", "connection refused"],
    ["ECONNRESET", "the connection was lost"],
    ["CONNECTION_CLOSED", "the server closed the connection"],
  ])("knows %s", (code, reason) => {
    expect(postgresReason(Object.assign(new Error("whatever it says"), { code }))).toBe(reason);
  });

  test("knows the errors of a real server", async () => {
    const server = await sharedServer();
    const sql = server.connect("postgres");
    try {
      for (const [statement, reason] of [
        [
          "SET SESSION AUTHORIZATION pg_monitor; SELECT * FROM pg_authid",
          "permission denied for table pg_authid",
        ],
        [
          "SET statement_timeout = 1; SELECT pg_sleep(5)",
          "the server cancelled the statement: it took too long",
        ],
        ["SELECT * FROM nothing", 'relation "nothing" does not exist'],
      ] as const)
        expect(await sql.unsafe(statement).catch(postgresReason)).toBe(reason);
    } finally {
      await sql.end();
    }
  });

  test.each<[reason: string, error: unknown]>([
    ["two lines [31m", new Error("two\n  lines\u001b[31m")],
    ["at postgres://…@h/db it ended", new Error("at postgres://me:hunter2@h/db it ended")],
    ["it failed without a reason", new Error("")],
    ["EWHATEVER", Object.assign(new Error(""), { code: "EWHATEVER" })],
    ["there is no table", new WatchError("archive_unusable", "there is no table")],
    ["a; b", new AggregateError([new Error("a"), new Error("b"), new Error("a")], "")],
    ["thrown text", "thrown text"],
    ["null", null],
    [`${"x".repeat(300)}…`, new Error("x".repeat(1000))],
  ])("is one line for any error: %s", (reason, error) => {
    expect(postgresReason(error)).toBe(reason);
  });
});
