/** What the errors of a server, of postgres.js and of the network mean. */

import postgres from "postgres";
import { codeOf, reasonOf } from "../../../async/failure-words.ts";

/**
 * @param error of the server, of postgres.js, of the network, or ours.
 * @returns one clause on one line, without secrets.
 */
export function postgresReason(error: unknown): string {
  const code = codeOf(error) ?? "";
  const known = REASONS.get(code);
  if (known !== undefined) return known;
  if (error instanceof AggregateError && error.errors.length > 0)
    return [...new Set(error.errors.map(postgresReason))].join("; ");
  const line = reasonOf(error)
    .replace(/[\s\p{Cc}]+/gu, " ")
    .replace(/(\w:\/\/)[^@\s]*@/g, "$1…@")
    .trim();
  if (line === "") return code === "" ? "it failed without a reason" : code;
  return line.length > LENGTH_MAX ? `${line.slice(0, LENGTH_MAX)}…` : line;
}

/** @returns whether the server answered the statement with an error, after which the connection goes on. */
export function isAnswer(error: unknown): boolean {
  return error instanceof postgres.PostgresError && error.severity === "ERROR";
}

/** @returns whether postgres.js only says that there is no connection any more, not why. */
export function isConnectionEnd(error: unknown): boolean {
  return ["CONNECTION_CLOSED", "CONNECTION_DESTROYED", "CONNECTION_ENDED"].includes(codeOf(error) ?? "");
}

/** Removes the parts that repeat rows, and so what people have written: they must not get into logs. */
export function withoutRowContents(error: unknown): unknown {
  if (typeof error === "object" && error !== null)
    for (const name of ["detail", "where", "internal_query"]) Reflect.deleteProperty(error, name);
  return error;
}

/**
 * By SQLSTATE, by the codes of postgres.js, and by those of the system that mean something else for a socket.
 *
 * @see https://www.postgresql.org/docs/18/errcodes-appendix.html
 */
const REASONS: ReadonlyMap<string, string> = new Map([
  ["28P01", "the password is wrong or missing"],
  ["28000", "the server refuses this user, this host or this way of connecting (pg_hba.conf)"],
  ["3D000", "the database does not exist"],
  ["53100", "the server's disk is full"],
  ["53200", "the server is out of memory"],
  ["53300", "the server has too many connections"],
  ["57014", "the server cancelled the statement: it took too long"],
  ["57P01", "the server is shutting down"],
  ["57P02", "the server crashed"],
  ["57P03", "the server is starting up"],
  ["57P04", "the database was dropped"],
  ["57P05", "the server closed the connection: it was unused for too long"],
  ["25006", "the server is read-only"],
  ["08003", "the connection was lost"],
  ["08006", "the connection was lost"],
  ["ENOENT", "there is no such socket"],
  ["ENOTSOCK", "it is not a socket"],
  ["CONNECT_TIMEOUT", "no answer"],
  ["CONNECTION_CLOSED", "the server closed the connection"],
  ["CONNECTION_DESTROYED", "the connection was lost"],
  ["CONNECTION_ENDED", "the connection was lost"],
  ["SASL_SIGNATURE_MISMATCH", "the server does not know the password: it may be an impostor"],
]);

/** In UTF-16 units: messages of servers can be long. */
const LENGTH_MAX = 300;
