/**
 * How a connection to a server comes to be encrypted.
 *
 * @see https://www.postgresql.org/docs/18/protocol-flow.html#PROTOCOL-FLOW-SSL
 */

import type { Socket } from "node:net";
import { connect } from "node:tls";
import { codeOf } from "./error-code.ts";
import { reasonOf } from "./reasons.ts";
import { happening } from "./socket-event.ts";
import { secureOptions } from "./tls.ts";
import type { Tls } from "./tls.ts";

/** Server and we do not agree on how to encrypt. */
export class HandshakeFailure extends Error {
  override readonly name = "HandshakeFailure";
}

/**
 * @param socket that nothing was sent over. When this fails, the caller destroys it.
 * @param host by which the server is known.
 * @returns the socket to speak over: the same one, if the server has no TLS and may do without.
 * @throws HandshakeFailure; Error for a server that answers anything else; the signal's reason.
 */
export async function secured(socket: Socket, host: string, tls: Tls, signal: AbortSignal): Promise<Socket> {
  const options = secureOptions(tls, host);
  const answered = happening(socket, "data", signal);
  socket.write(SSL_REQUEST);
  const answer = await answered;
  if (!Buffer.isBuffer(answer)) throw new TypeError("the socket has an encoding");
  const kind = String.fromCharCode(answer[0] ?? 0);
  // An error: the server is older than PostgreSQL 7, or could not start a process for this connection.
  if (kind === "E") throw new Error("the server failed before it could encrypt the connection");
  if (kind !== "S" && kind !== "N") throw new Error("what listens there is no PostgreSQL server");
  // It would be taken for something that came encrypted (CVE-2021-23222).
  if (answer.length > 1)
    throw new Error("something came unencrypted where encryption should begin: somebody may be in between");
  if (kind === "N") {
    if (tls.use === "if-offered") return socket;
    throw new Error(`the server has no TLS, which sslmode=${tls.sslmode} asks for`);
  }
  const secure = connect({ ...options, socket });
  secure.on("error", () => undefined);
  try {
    await happening(secure, "secureConnect", signal);
    return secure;
  } catch (error) {
    secure.destroy();
    if (signal.aborted) throw error;
    throw new HandshakeFailure(explained(error, host, tls), { cause: error });
  }
}

/** Its length, and a number that is no version of the protocol. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

function explained(error: unknown, host: string, { check, roots }: Tls): string {
  const code = codeOf(error) ?? "";
  if (code === "CERT_HAS_EXPIRED") return "the server's certificate has expired; it needs a new one";
  if (code === "CERT_NOT_YET_VALID") return "the server's certificate is not valid yet; is the clock right?";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID")
    return `the server's certificate is not for ${host}; connect to a name that it is for, or use sslmode=verify-ca`;
  if (/SELF_SIGNED|UNABLE_TO_|ISSUER|UNTRUSTED/.test(code) && check !== "nothing") {
    const authority = roots === null || roots === "system" ? "that the system knows" : `in ${roots.path}`;
    // Deno does not tell these apart.
    const orExpired = code === "UNABLE_TO_VERIFY_LEAF_SIGNATURE" ? ", or it has expired" : "";
    const advice = "give the one that signed it with sslrootcert";
    return `the server's certificate is not signed by an authority ${authority}${orExpired}; ${advice}`;
  }
  const [, words] = /^ERR_SSL_(\w+)$/.exec(code) ?? [];
  return `no encryption could be agreed on: ${words?.toLowerCase().replaceAll("_", " ") ?? reasonOf(error)}`;
}
