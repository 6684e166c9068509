/**
 * Encrypts a connection.
 *
 * @see https://www.postgresql.org/docs/18/protocol-flow.html#PROTOCOL-FLOW-SSL
 */

import { isIP } from "node:net";
import type { Socket } from "node:net";
import { checkServerIdentity, connect } from "node:tls";
import { codeOf } from "../../../async/failure-words.ts";
import { postgresReason } from "../sql/postgres-errors.ts";
import { authorities, clientCertificate } from "./certificate-files.ts";
import { happening } from "./socket-event.ts";
import type { TlsSettings } from "./tls-settings.ts";

/** Client and server could not agree on an encryption. */
export class HandshakeFailure extends Error {
  override readonly name = "HandshakeFailure";
}

/** Its length, and a number that is no version of the protocol. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

/**
 * @param socket must be unused; the caller destroys it if this fails.
 * @param host whose name the certificate must have, if that is checked.
 * @returns the same socket if the server has no TLS and the settings allow that.
 * @throws HandshakeFailure; Error for a server that answers anything else; the signal's reason.
 */
export async function encrypted(
  socket: Socket,
  host: string,
  tls: TlsSettings,
  signal: AbortSignal,
): Promise<Socket> {
  const { check, roots, client } = tls;
  const options = {
    ...(check !== "nothing" && { ca: authorities(roots ?? "system") }),
    ...(client !== null && clientCertificate(client)),
    // Explicit, because variables of the runtime can change the defaults.
    rejectUnauthorized: check !== "nothing",
    minVersion: "TLSv1.2" as const,
    checkServerIdentity: (...[, certificate]: Parameters<typeof checkServerIdentity>) =>
      check === "host" ? checkServerIdentity(host, certificate) : undefined,
    ...(isIP(host) === 0 && { servername: host }),
  };
  const answered = happening(socket, "data", signal);
  socket.write(SSL_REQUEST);
  const answer = await answered;
  if (!Buffer.isBuffer(answer)) throw new TypeError("the socket has an encoding");
  const kind = String.fromCharCode(answer[0] ?? 0);
  // The server is older than PostgreSQL 7, or could not start a process for this connection.
  if (kind === "E") throw new Error("the server failed before it could encrypt the connection");
  if (kind !== "S" && kind !== "N") throw new Error("it is not a PostgreSQL server");
  // The rest would be taken for encrypted data (CVE-2021-23222).
  if (answer.length > 1)
    throw new Error("unencrypted data arrived before encryption began: the connection may be intercepted");
  if (kind === "N" && tls.use === "if-offered") return socket;
  if (kind === "N") throw new Error(`the server has no TLS, which sslmode=${tls.sslmode} requires`);
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

function explained(error: unknown, host: string, { check, roots }: TlsSettings): string {
  const code = codeOf(error) ?? "";
  if (code === "CERT_HAS_EXPIRED") return "the server's certificate has expired";
  if (code === "CERT_NOT_YET_VALID") return "the server's certificate is not valid yet; check the clock";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID")
    return `the server's certificate is not for ${host}; connect to a name that it is for, or use sslmode=verify-ca`;
  if (/SELF_SIGNED|UNABLE_TO_|ISSUER|UNTRUSTED/.test(code) && check !== "nothing") {
    const authority = roots === null || roots === "system" ? "that the system knows" : `in ${roots.path}`;
    // Deno reports an expired certificate like this, too.
    const orExpired = code === "UNABLE_TO_VERIFY_LEAF_SIGNATURE" ? ", or it has expired" : "";
    return `the server's certificate is not signed by an authority ${authority}${orExpired}; name the one that signed it with sslrootcert`;
  }
  const [, words] = /^ERR_SSL_(\w+)$/.exec(code) ?? [];
  return `the TLS handshake failed: ${words?.toLowerCase().replaceAll("_", " ") ?? postgresReason(error)}`;
}
