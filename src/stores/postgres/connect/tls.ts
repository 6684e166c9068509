/** How safe the way to a server must be, and what that takes: libpq's `sslmode`, and the files it goes with. */

import { existsSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { checkServerIdentity } from "node:tls";
import type { ConnectionOptions, SecureVersion } from "node:tls";
import { messageOf } from "../../../errors.ts";
import { authorities, clientCertificate } from "./certificates.ts";
import type { Client, Roots } from "./certificates.ts";
import { isLocal, nameOfEndpoint } from "./endpoint.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Settings } from "./parameters.ts";
import { refused } from "./refusal.ts";

export interface Tls {
  /**
   * - `never`: for sockets in the file system, and `sslmode=disable`
   * - `if-offered`: for `sslmode=prefer`, and for `allow`: it would begin without, and try with TLS where the server
   *   turns that down, which it does only after the password is asked for
   * - `always`
   */
  use: "never" | "if-offered" | "always";
  /** As it was asked for, or the default: for messages. */
  sslmode: string;
  /** Whether the server's certificate must come from one of the `roots`, and be one for its host as well. */
  check: "nothing" | "chain" | "host";
  roots: Roots | null;
  client: Client | null;
  /** Whether the server is told by which name it is asked for. */
  sni: boolean;
  minVersion: SecureVersion;
  maxVersion: SecureVersion;
}

export interface TlsOptions {
  /** Where users keep certificates of their own: `~/.postgresql`. Null if they have no folder. */
  folder: string | null;
  /** Allows what others can read or change on the way. */
  insecure: boolean;
  warn: (message: string) => void;
}

/** @throws WatchError `usage`, also for files that cannot be used. */
export function tlsOf(settings: Settings, endpoints: readonly Endpoint[], options: TlsOptions): Tls {
  const { folder, insecure, warn } = options;
  const asked = settings.get("sslmode");
  const remote = endpoints.find((endpoint) => !isLocal(endpoint));
  const roots = rootsOf(settings, folder);
  // With anybody's authorities, a certificate says something only together with the name in it.
  if (roots === "system" && asked !== undefined && asked.value !== "verify-full")
    throw refused(
      `sslrootcert=system needs ${asked.source}=verify-full: anybody can have a certificate of some host`,
    );
  const byDefault = remote === undefined ? "prefer" : "require";
  const sslmode = asked?.value ?? (roots === "system" ? "verify-full" : byDefault);
  const use = useOf(sslmode, endpoints);
  if (use !== "always" && remote !== undefined) {
    const what = `sslmode=${sslmode} lets everybody on the way to ${nameOfEndpoint(remote)} read the archive`;
    if (!insecure) throw refused(`${what}; use sslmode=verify-full or require, or --insecure`);
    warn(`--insecure: ${what}`);
  }
  const tls: Tls = {
    use,
    sslmode,
    check: use === "always" ? checkOf(sslmode, roots) : "nothing",
    roots,
    client: clientOf(settings, folder),
    sni: settings.get("sslsni")?.value !== "0",
    ...versionsOf(settings),
  };
  if (tls.check !== "nothing" && roots === null)
    throw refused(
      `sslmode=${sslmode} needs to know an authority: ` +
        "sslrootcert=<path>, or sslrootcert=system for those of the system",
    );
  checkFiles(tls);
  const revocations = existing(folder, "root.crl");
  if (tls.check !== "nothing" && revocations !== null)
    warn(`${revocations} is ignored: lists of revoked certificates are not read`);
  return tls;
}

/**
 * @param host that the certificate must be for.
 * @throws Error that names the file that cannot be used.
 */
export function secureOptions(tls: Tls, host: string): ConnectionOptions {
  const { check, roots, client, sni, minVersion, maxVersion } = tls;
  return {
    ...(check !== "nothing" && { ca: authorities(roots ?? "system") }),
    ...(client !== null && clientCertificate(client)),
    // Said also where it is the default, which a variable of the runtime's can change.
    rejectUnauthorized: check !== "nothing",
    checkServerIdentity: (_name, certificate) =>
      check === "host" ? checkServerIdentity(host, certificate) : undefined,
    ...(sni && isIP(host) === 0 && { servername: host }),
    minVersion,
    maxVersion,
  };
}

function useOf(sslmode: string, endpoints: readonly Endpoint[]): Tls["use"] {
  // As in libpq, whatever the mode: what goes through a socket in the file system never leaves the machine.
  if (endpoints.every((endpoint) => "path" in endpoint)) return "never";
  if (sslmode === "disable") return "never";
  return sslmode === "allow" || sslmode === "prefer" ? "if-offered" : "always";
}

/**
 * As in libpq, `require` checks who has signed the certificate, too, where an authority is known. Not so where there
 * may be no TLS at all: that would make nothing safer.
 */
function checkOf(sslmode: string, roots: Tls["roots"]): Tls["check"] {
  if (sslmode === "verify-full") return "host";
  return sslmode === "verify-ca" || roots !== null ? "chain" : "nothing";
}

function rootsOf(settings: Settings, folder: string | null): Tls["roots"] {
  const given = settings.get("sslrootcert")?.value;
  if (given === "system") return "system";
  if (given !== undefined) return { path: given };
  const path = existing(folder, "root.crt");
  return path === null ? null : { path };
}

function clientOf(settings: Settings, folder: string | null): Tls["client"] {
  if (settings.get("sslcertmode")?.value === "disable") return null;
  const certificate = settings.get("sslcert")?.value ?? existing(folder, "postgresql.crt");
  const key = settings.get("sslkey");
  if (certificate === null) {
    if (key !== undefined)
      throw refused(`${key.source} needs sslcert: a key says nothing without its certificate`);
    return null;
  }
  const path = key?.value ?? existing(folder, "postgresql.key");
  if (path === null) throw refused("sslcert needs sslkey: a certificate says nothing without its key");
  return { certificate, key: path, passphrase: settings.get("sslpassword")?.value };
}

function existing(folder: string | null, name: string): string | null {
  const path = folder === null ? null : join(folder, name);
  return path !== null && existsSync(path) ? path : null;
}

function versionsOf(settings: Settings): Pick<Tls, "minVersion" | "maxVersion"> {
  const max = settings.get("ssl_max_protocol_version");
  const isMinHigh = settings.get("ssl_min_protocol_version")?.value === "TLSv1.3";
  const isMaxLow = max?.value === "TLSv1.2";
  if (isMinHigh && isMaxLow) throw refused(`${max.source} must not be lower than ssl_min_protocol_version`);
  // TLS 1.0 and 1.1 are never spoken: whoever would be content with them gets 1.2 at least.
  return { minVersion: isMinHigh ? "TLSv1.3" : "TLSv1.2", maxVersion: isMaxLow ? "TLSv1.2" : "TLSv1.3" };
}

function checkFiles({ use, roots, client }: Tls): void {
  if (use === "never") return;
  try {
    if (roots !== null) authorities(roots);
    if (client !== null) clientCertificate(client);
  } catch (error) {
    throw refused(messageOf(error));
  }
}
