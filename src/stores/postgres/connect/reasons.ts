/** Why a server cannot be asked, in words for a person. */

import { messageOf } from "../../../errors.ts";
import { codeOf } from "./error-code.ts";

/**
 * @param error of the server, of postgres.js, of the network, or ours.
 * @returns one clause on one line, without secrets.
 */
export function reasonOf(error: unknown): string {
  const code = codeOf(error);
  const known = REASONS.get(code ?? "");
  if (known !== undefined) return known;
  // What several attempts ran into, under a message of no use.
  if (error instanceof AggregateError && error.errors.length > 0)
    return [...new Set(error.errors.map(reasonOf))].join("; ");
  const line = messageOf(error)
    .replace(/[\s\p{Cc}]+/gu, " ")
    .replace(/(\w:\/\/)[^@\s]*@/g, "$1…@")
    .trim();
  return line === "" ? (code ?? "it failed without a reason") : shortened(line);
}

/** By the codes of the server, of the network, and of postgres.js. */
const REASONS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "28P01": "the password is wrong or missing",
    "28000": "the server does not let this user in, from here or in this way (pg_hba.conf)",
    "3D000": "there is no such database",
    "53100": "the server's disk is full",
    "53200": "the server is out of memory",
    "53300": "the server has too many connections",
    "57014": "the server cancelled the statement: it took too long",
    "57P01": "the server is being shut down",
    "57P02": "the server crashed",
    "57P03": "the server is starting up",
    "57P04": "the database was dropped",
    "57P05": "the server closed the connection: it was unused for too long",
    "25006": "the server is read-only",
    "08003": "the connection was lost",
    "08006": "the connection was lost",

    ECONNREFUSED: "nothing listens there",
    ENOENT: "nothing listens there: there is no such socket",
    ENOTSOCK: "that is no socket",
    ENOTFOUND: "there is no such host",
    EAI_NONAME: "there is no such host",
    EAI_AGAIN: "the host's address cannot be found out now",
    EHOSTUNREACH: "there is no way to the host",
    ENETUNREACH: "there is no way to the host",
    EACCES: "this user may not connect to it",
    EPERM: "this user may not connect to it",
    EMFILE: "too many files are open",
    ETIMEDOUT: "no answer",
    ECONNRESET: "the connection was lost",
    ECONNABORTED: "the connection was lost",
    EPIPE: "the connection was lost",
    CONNECT_TIMEOUT: "no answer",
    CONNECTION_CLOSED: "the server closed the connection",
    CONNECTION_DESTROYED: "the connection was lost",
    CONNECTION_ENDED: "the connection was lost",
    SASL_SIGNATURE_MISMATCH: "the server does not know the password: it is not the one it seems to be",
  }),
);

/** A server's words can be long. */
const LENGTH_MAX = 300;

function shortened(line: string): string {
  return line.length > LENGTH_MAX ? `${line.slice(0, LENGTH_MAX)}…` : line;
}
