/** Whether a connection is encrypted and how the server is checked: libpq's `sslmode` and the files that go with it. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { authorities, clientCertificate } from "./certificate-files.ts";
import type { Authorities, ClientFiles } from "./certificate-files.ts";
import { refused } from "./parameters.ts";
import type { Settings } from "./parameters.ts";
import { isLocal, nameOfServer } from "./server-address.ts";
import type { ServerAddress } from "./server-address.ts";

export interface TlsSettings {
  /**
   * - `never`: for sockets in the file system, and `sslmode=disable`
   * - `if-offered`: for `sslmode=prefer` and `allow`; libpq's `allow` begins without TLS and would send the password
   * - `always`
   */
  use: "never" | "if-offered" | "always";
  /** As given, or the default: for messages. */
  sslmode: string;
  /** Whether one of the `roots` must have signed the server's certificate, and whether it must be for the host. */
  check: "nothing" | "chain" | "host";
  roots: Authorities | null;
  client: ClientFiles | null;
}

export interface TlsOptions {
  /** Where users keep certificates of their own; empty if there is no such folder. */
  folder: string;
  insecure: boolean;
  warn: (message: string) => void;
}

const MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/** @throws WatchError `usage`, also for files that cannot be used. */
export function tlsSettingsOf(
  settings: Settings,
  servers: readonly ServerAddress[],
  { folder, insecure, warn }: TlsOptions,
): TlsSettings {
  const given = settings.get("sslmode");
  if (given !== undefined && !MODES.includes(given.value))
    throw refused(`${given.source} must be ${MODES.slice(0, -1).join(", ")} or verify-full`);
  const remote = servers.find((server) => !isLocal(server));
  const roots = rootsOf(settings, folder);
  // Anybody can get a certificate from one of the system's authorities, but only for a host of their own.
  if (roots === "system" && given !== undefined && given.value !== "verify-full")
    throw refused(`sslrootcert=system needs ${given.source}=verify-full, which also checks the host`);
  const byDefault = remote === undefined ? "prefer" : "require";
  const sslmode = given?.value ?? (roots === "system" ? "verify-full" : byDefault);
  const use = useOf(sslmode, servers);
  if (use !== "always" && remote !== undefined) {
    const what = `with sslmode=${sslmode} others on the network to ${nameOfServer(remote)} can read the archive`;
    if (!insecure) throw refused(`${what}; use sslmode=verify-full or require, or --insecure`);
    warn(`--insecure: ${what}`);
  }
  const check = use === "always" ? checkOf(sslmode, roots) : "nothing";
  if (check !== "nothing" && roots === null)
    throw refused(
      `sslmode=${sslmode} needs an authority: sslrootcert=<path>, or sslrootcert=system for those of the system`,
    );
  const tls: TlsSettings = { use, sslmode, check, roots, client: clientOf(settings, folder) };
  checkFiles(tls);
  const revocations = existing(folder, "root.crl");
  if (check !== "nothing" && revocations !== null)
    warn(`${revocations} is ignored: revocation lists are not supported`);
  return tls;
}

function useOf(sslmode: string, servers: readonly ServerAddress[]): TlsSettings["use"] {
  // As in libpq, sockets in the file system never use TLS: the data stays on this machine.
  if (sslmode === "disable" || servers.every((server) => "path" in server)) return "never";
  return sslmode === "allow" || sslmode === "prefer" ? "if-offered" : "always";
}

/** As in libpq, `require` checks the certificate too where there is an authority. */
function checkOf(sslmode: string, roots: TlsSettings["roots"]): TlsSettings["check"] {
  if (sslmode === "verify-full") return "host";
  return sslmode === "verify-ca" || roots !== null ? "chain" : "nothing";
}

function rootsOf(settings: Settings, folder: string): Authorities | null {
  const path = settings.get("sslrootcert")?.value ?? existing(folder, "root.crt");
  return path === null || path === "system" ? path : { path };
}

function clientOf(settings: Settings, folder: string): ClientFiles | null {
  const certificate = settings.get("sslcert")?.value ?? existing(folder, "postgresql.crt");
  const given = settings.get("sslkey");
  if (certificate === null && given !== undefined)
    throw refused(`${given.source} needs sslcert: a key is of no use without its certificate`);
  if (certificate === null) return null;
  const key = given?.value ?? existing(folder, "postgresql.key");
  if (key === null) throw refused("sslcert needs sslkey: a certificate is of no use without its key");
  return { certificate, key };
}

function existing(folder: string, name: string): string | null {
  const path = join(folder, name);
  return folder !== "" && existsSync(path) ? path : null;
}

function checkFiles({ use, roots, client }: TlsSettings): void {
  if (use === "never") return;
  try {
    if (roots !== null) authorities(roots);
    if (client !== null) clientCertificate(client);
  } catch (error) {
    throw refused((error as Error).message);
  }
}
