/**
 * Reads certificates and keys, anew for each connection: certificates are replaced before they expire. Errors name the
 * parameter and the file, and nothing of its content.
 */

import { createPrivateKey, X509Certificate } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import process from "node:process";
import { getCACertificates } from "node:tls";
import { reasonOf } from "../../../async/failure-words.ts";

/** The authorities in a file, or those that the system trusts. */
export type Authorities = { path: string } | "system";

/** Paths of what shows a server who we are. */
export interface ClientFiles {
  certificate: string;
  key: string;
}

/** @returns certificates, as PEM; at least one. @throws Error */
export function authorities(source: Authorities): string[] {
  // Small containers have no authorities of the system; the runtime brings those that browsers trust.
  if (source === "system")
    return [getCACertificates("system"), getCACertificates("default")].find(({ length }) => length > 0) ?? [];
  const { path } = source;
  const pem = content("sslrootcert", path);
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END [A-Z ]+-----/g) ?? [];
  if (certificates.length === 0) throw new Error(`sslrootcert: ${path} holds no certificate (PEM)`);
  for (const certificate of certificates) certificateIn("sslrootcert", path, certificate);
  return certificates;
}

/** @throws Error */
export function clientCertificate({ certificate, key }: ClientFiles): { cert: string; key: string } {
  const [cert, pem] = [content("sslcert", certificate), content("sslkey", key)];
  const { mode, uid } = statSync(key);
  // As in libpq, a group may read root's key. On Windows, the mode does not say who may read a file.
  if (process.platform !== "win32" && (mode & (uid === 0 ? 0o037 : 0o077)) !== 0)
    throw new Error(`sslkey: others may read ${key}; chmod 600 helps`);
  if (pem.includes("ENCRYPTED"))
    throw new Error(`sslkey: ${key} is encrypted; passwords of keys are not supported`);
  if (!certificateIn("sslcert", certificate, cert).checkPrivateKey(keyIn(key, pem)))
    throw new Error(`sslkey: ${key} is not the key of ${certificate}`);
  return { cert, key: pem };
}

function certificateIn(parameter: string, path: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new Error(`${parameter}: ${path} holds no certificate (PEM), or a damaged one`, { cause: error });
  }
}

function keyIn(path: string, pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    // Without the runtime's own error, which may repeat a part of the key.
    throw new Error(`sslkey: ${path} holds no private key (PEM)`);
  }
}

function content(parameter: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new Error(`${parameter}: cannot read ${path}: ${reasonOf(error)}`, { cause: error });
  }
}
