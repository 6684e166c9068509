/** PgBouncer in transaction mode, where it is installed: each transaction gets another connection to the server. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { freePort } from "../free-port.ts";
import { SUPERUSER } from "./server.ts";
import type { PostgresServer } from "./server.ts";
import { until } from "../program.ts";

/** Null where there is none. */
const PGBOUNCER = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"].find((path) => existsSync(path)) ?? null;

/** Keeps tests from running behind one; null if nothing does. */
export const NO_PGBOUNCER = PGBOUNCER === null ? "this machine has no PgBouncer" : null;

/** It refuses to run as root. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

export class PgBouncer implements AsyncDisposable {
  readonly port: number;
  readonly #folder: string;
  readonly #stop: () => Promise<unknown>;

  private constructor(port: number, folder: string, stop: () => Promise<unknown>) {
    this.port = port;
    this.#folder = folder;
    this.#stop = stop;
  }

  static async start(server: PostgresServer): Promise<PgBouncer> {
    if (PGBOUNCER === null) throw new Error("there is no PgBouncer");
    const folder = mkdtempSync(join(tmpdir(), "sessionwatch-pgbouncer-"));
    chmodSync(folder, 0o755);
    const port = await freePort();
    writeFileSync(join(folder, "users.txt"), `"${SUPERUSER}" ""\n`);
    // Few connections for many clients, so that none keeps one; all other settings are the defaults.
    writeFileSync(
      join(folder, "pgbouncer.ini"),
      `[databases]\n* = host=127.0.0.1 port=${server.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = ${port}
unix_socket_dir =\nauth_type = trust\nauth_file = ${join(folder, "users.txt")}\npool_mode = transaction
default_pool_size = 2\nserver_round_robin = 1\n`,
    );
    const pooler = spawn(PGBOUNCER, ["-q", join(folder, "pgbouncer.ini")], { ...NOBODY, stdio: "ignore" });
    const ended = once(pooler, "exit");
    const bouncer = new PgBouncer(port, folder, async () => {
      pooler.kill("SIGKILL");
      await ended;
    });
    await until(
      () => server.takesConnections(port),
      () => "PgBouncer to start",
    );
    return bouncer;
  }

  /** @returns the same address, through the pooler. */
  url(direct: string): string {
    const url = new URL(direct);
    url.port = String(this.port);
    return url.href;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
