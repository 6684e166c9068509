/**
 * The files that certificates and keys are in.
 *
 * They are read whenever they are needed: certificates are replaced before they expire. Errors name the parameter and
 * the file, and say nothing of what is in it.
 */

import { createPrivateKey, X509Certificate } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import process from "node:process";
import { getCACertificates } from "node:tls";

/** Whose signatures count: those of the authorities in a file, or those that the system trusts. */
export type Roots = { path: string } | "system";

/** What shows a server who we are; paths. */
export interface Client {
  certificate: string;
  key: string;
  passphrase: string | undefined;
}

/**
 * @param roots the path of a file, or the platform's.
 * @returns certificates, as PEM; at least one.
 * @throws Error
 */
export function authorities(roots: Roots): string[] {
  if (roots === "system") {
    const system = getCACertificates("system");
    // There is none in small containers; the runtime brings those that browsers trust.
    return system.length > 0 ? system : getCACertificates("default");
  }
  const text = content("sslrootcert", roots.path);
  const certificates = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END [A-Z ]+-----/g) ?? [];
  if (certificates.length === 0) throw new Error(`sslrootcert: ${roots.path} holds no certificate (PEM)`);
  for (const certificate of certificates) parsed("sslrootcert", roots.path, certificate);
  return certificates;
}

/** @throws Error */
export function clientCertificate({ certificate, key, passphrase }: Client): { cert: string; key: string } {
  const cert = content("sslcert", certificate);
  const own = parsed("sslcert", certificate, cert);
  const secret = privateKey(key, passphrase);
  if (!own.checkPrivateKey(secret)) throw new Error(`sslkey: ${key} is not the key of ${certificate}`);
  // Decrypted here, because not every runtime tells a wrong passphrase from none.
  return { cert, key: secret.export({ type: "pkcs8", format: "pem" }).toString() };
}

function parsed(parameter: string, path: string, certificate: string): X509Certificate {
  try {
    return new X509Certificate(certificate);
  } catch (error) {
    throw new Error(`${parameter}: ${path} holds no certificate (PEM), or a damaged one`, { cause: error });
  }
}

function privateKey(path: string, passphrase: string | undefined): KeyObject {
  const text = content("sslkey", path);
  const { mode, uid } = statSync(path);
  // Root may lend a key to a group, as libpq has it. Windows keeps elsewhere who may read a file.
  if (process.platform !== "win32" && (mode & (uid === 0 ? 0o037 : 0o077)) !== 0)
    throw new Error(`sslkey: others may read ${path}; chmod 600 helps`);
  try {
    return createPrivateKey({ key: text, ...(passphrase !== undefined && { passphrase }) });
  } catch {
    // What a runtime says of it differs, and is about what the user keeps secret.
    const isEncrypted = text.includes("ENCRYPTED");
    throw new Error(
      isEncrypted
        ? `sslkey: sslpassword does not open ${path}`
        : `sslkey: ${path} holds no private key (PEM)`,
    );
  }
}

function content(parameter: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "there is no such file" : `it cannot be read (${code})`;
    throw new Error(`${parameter}: ${path}: ${reason}`, { cause: error });
  }
}
