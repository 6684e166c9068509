/** Keys and certificates that were made for tests, and servers that have them. @see tests/fixtures/tls/README.md */

import { copyFileSync, chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PostgresServer } from "./server.ts";
import type { Workspace } from "../workspace.ts";

const FOLDER = join(import.meta.dir, "../../fixtures/tls");

/** @returns the path of one of them. */
export function fixtureTls(name: string): string {
  return join(FOLDER, name);
}

/** @returns the path of a copy that only the user can read. */
export function ownKey(workspace: Workspace, name: string): string {
  const path = workspace.path(name);
  copyFileSync(fixtureTls(name), path);
  chmodSync(path, 0o600);
  return path;
}

/** Starts a server that has TLS. `bob` needs the password `hunter2`, `alice` her certificate, `carol` no TLS. */
export async function startSecure(certificate: string): Promise<PostgresServer> {
  const names = [`${certificate}.crt`, `${certificate}.key`, "authority.crt"];
  const server = await PostgresServer.start({
    settings: [
      "ssl = on",
      `ssl_cert_file = '${certificate}.crt'`,
      `ssl_key_file = '${certificate}.key'`,
      "ssl_ca_file = 'authority.crt'",
    ],
    files: {
      ...Object.fromEntries(names.map((name) => [name, readFileSync(fixtureTls(name), "utf8")])),
      "pg_hba.conf": HBA,
    },
  });
  const sql = server.connect("postgres");
  try {
    await sql.unsafe("CREATE USER alice; CREATE USER carol; CREATE USER bob PASSWORD 'hunter2'");
  } finally {
    await sql.end();
  }
  return server;
}

const HBA = `
local all postgres trust
local all bob scram-sha-256
hostssl all alice 127.0.0.1/32 cert
hostnossl all carol 127.0.0.1/32 trust
host all bob 127.0.0.1/32 scram-sha-256
host all postgres 127.0.0.1/32 trust
`;
