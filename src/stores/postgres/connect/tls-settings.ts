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
  use: "never" | "if-offered" | "always";
  /** As given, or the default: for messages. */
  sslmode: string;
  /** Whether one of the `roots` must have signed the server's certificate, and whether it must be for the host. */
  check: "nothing" | "chain" | "host";
  roots: Authorities | null;
  client: ClientFiles | null;
}

type Mode = Pick<TlsSettings, "use" | "check">;

const MODES: ReadonlyMap<string, Mode> = new Map<string, Mode>([
  ["disable", { use: "never", check: "nothing" }],
  // As `prefer`: in libpq it begins without TLS, and would send the password unencrypted.
  ["allow", { use: "if-offered", check: "nothing" }],
  ["prefer", { use: "if-offered", check: "nothing" }],
  ["require", { use: "always", check: "nothing" }],
  ["verify-ca", { use: "always", check: "chain" }],
  ["verify-full", { use: "always", check: "host" }],
]);

/**
 * @param folder where users keep certificates; empty if there is none.
 * @throws WatchError `usage`, also for files that cannot be used.
 */
export function tlsSettingsOf(
  settings: Settings,
  servers: readonly ServerAddress[],
  folder: string,
  { insecure, warn }: { insecure: boolean; warn: (message: string) => void },
): TlsSettings {
  const given = settings.get("sslmode");
  const remote = servers.find((server) => !isLocal(server));
  const rootPath = settings.get("sslrootcert")?.value ?? existing(folder, "root.crt");
  const roots = rootPath === null || rootPath === "system" ? rootPath : { path: rootPath };
  const byDefault = remote === undefined ? "prefer" : "require";
  const sslmode = given?.value ?? (roots === "system" ? "verify-full" : byDefault);
  const mode = MODES.get(sslmode);
  if (mode === undefined)
    throw refused(`${given?.source} must be ${[...MODES.keys()].join(", ").replace(/, (?=[^,]*$)/, " or ")}`);
  // Anybody can get a certificate from one of the system's authorities, but only for a host of their own.
  if (roots === "system" && sslmode !== "verify-full")
    throw refused(`sslrootcert=system needs ${given?.source}=verify-full, which also checks the host`);
  if (mode.use !== "always" && remote !== undefined) {
    const what = `with sslmode=${sslmode} others on the network to ${nameOfServer(remote)} can read the archive`;
    if (!insecure) throw refused(`${what}; use sslmode=verify-full or require, or --insecure`);
    warn(`--insecure: ${what}`);
  }
  // As in libpq, sockets in the file system never use TLS: the data stays on this machine.
  const use = servers.every((server) => "path" in server) ? "never" : mode.use;
  // As in libpq, `require` checks the certificate too where there is an authority.
  const required = sslmode === "require" && roots !== null ? "chain" : mode.check;
  const check = use === "always" ? required : "nothing";
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
