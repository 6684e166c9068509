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
  if (source === "system") {
    const system = getCACertificates("system");
    // Small containers have none; the runtime brings those that browsers trust.
    return system.length > 0 ? system : getCACertificates("default");
  }
  const { path } = source;
  const text = content("sslrootcert", path);
  const certificates = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END [A-Z ]+-----/g) ?? [];
  if (certificates.length === 0) throw new Error(`sslrootcert: ${path} holds no certificate (PEM)`);
  for (const certificate of certificates) parsed("sslrootcert", path, certificate);
  return certificates;
}

/** @throws Error */
export function clientCertificate({ certificate, key }: ClientFiles): { cert: string; key: string } {
  const cert = content("sslcert", certificate);
  const own = parsed("sslcert", certificate, cert);
  const pem = content("sslkey", key);
  const { mode, uid } = statSync(key);
  // As in libpq, a group may read root's key. On Windows, the mode does not say who may read a file.
  if (process.platform !== "win32" && (mode & (uid === 0 ? 0o037 : 0o077)) !== 0)
    throw new Error(`sslkey: others may read ${key}; chmod 600 helps`);
  if (!own.checkPrivateKey(privateKey(key, pem)))
    throw new Error(`sslkey: ${key} is not the key of ${certificate}`);
  return { cert, key: pem };
}

function parsed(parameter: string, path: string, certificate: string): X509Certificate {
  try {
    return new X509Certificate(certificate);
  } catch (error) {
    throw new Error(`${parameter}: ${path} holds no certificate (PEM), or a damaged one`, { cause: error });
  }
}

function privateKey(path: string, pem: string): KeyObject {
  if (pem.includes("ENCRYPTED"))
    throw new Error(`sslkey: ${path} is encrypted; passwords of keys are not supported`);
  try {
    return createPrivateKey(pem);
  } catch {
    // The runtimes' own messages differ, and may repeat a part of the key.
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
