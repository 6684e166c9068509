import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { dial } from "../../../../src/stores/postgres/connect/dial.ts";
import type { DialOptions } from "../../../../src/stores/postgres/connect/dial.ts";
import { ReconnectingConnection } from "../../../../src/stores/postgres/connect/reconnecting-connection.ts";
import { postgresReason } from "../../../../src/stores/postgres/sql/postgres-errors.ts";
import { parseArchiveAddress } from "../../../../src/stores/postgres/connect/archive-address.ts";
import type { ArchiveAddress } from "../../../../src/stores/postgres/connect/archive-address.ts";
import { asked } from "../../../support/postgres/asked.ts";
import { FakeServer, SSL_REQUEST } from "../../../support/postgres/fake-server.ts";
import { sharedServer } from "../../../support/postgres/server.ts";
import type { PostgresServer } from "../../../support/postgres/server.ts";
import { until, within } from "../../../support/program.ts";
import { fixtureTls, ownKey, startSecure } from "../../../support/postgres/tls.ts";
import { Workspace } from "../../../support/workspace.ts";
import { systemClock } from "../../../../src/runtime/clock.ts";

const ROOT = join(import.meta.dir, "../../../..");
const ROOTS = `sslrootcert=${encodeURI(fixtureTls("authority.crt"))}`;
const STRANGER = `sslrootcert=${encodeURI(fixtureTls("stranger.crt"))}`;

/** By the certificate that each has. */
type Name = "none" | "localhost" | "elsewhere" | "expired";
const servers = new Map<Name, PostgresServer>();
const workspace = new Workspace();
const key = ownKey(workspace, "client.key");

beforeAll(async () => {
  servers.set("none", await sharedServer());
  await Promise.all(
    (["localhost", "elsewhere", "expired"] as const).map(async (name) => {
      servers.set(name, await startSecure(name));
    }),
  );
});

afterAll(async () => {
  servers.delete("none");
  for (const server of servers.values()) await server[Symbol.asyncDispose]();
  workspace[Symbol.dispose]();
});

function portOf(name: Name): number {
  return servers.get(name)?.port ?? 0;
}

function target(url: string): ArchiveAddress {
  return parseArchiveAddress(url, { env: {}, home: "", osUser: "u", insecure: false, warn: () => undefined });
}

async function failure(url: string, timeoutMs: number, options: DialOptions = {}): Promise<string> {
  try {
    const { socket } = await dial(target(url), systemClock, timeoutMs, options);
    socket.destroy();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return error.message;
  }
  throw new Error("connected");
}

describe("sslmode", () => {
  const unsigned = "the server's certificate is not signed by an authority in";
  const noTls = "the server has no TLS, which sslmode=";
  const client = `sslcert=${encodeURI(fixtureTls("client.crt"))}`;
  const cases: [server: Name, url: string, answer: string | RegExp][] = [
    ["none", "127.0.0.1:$", "plain"],
    ["none", "127.0.0.1:$?sslmode=disable", "plain"],
    ["none", "127.0.0.1:$?sslmode=allow", "plain"],
    ["none", "127.0.0.1:$?sslmode=prefer", "plain"],
    ["none", "127.0.0.1:$?sslmode=require", `${noTls}require requires`],
    ["none", `127.0.0.1:$?sslmode=verify-ca&${ROOTS}`, `${noTls}verify-ca requires`],
    ["none", `127.0.0.1:$?sslmode=verify-full&${ROOTS}`, `${noTls}verify-full requires`],
    ["localhost", "127.0.0.1:$", "encrypted"],
    ["localhost", "127.0.0.1:$?sslmode=disable", "plain"],
    ["localhost", "127.0.0.1:$?sslmode=allow", "encrypted"],
    ["localhost", "127.0.0.1:$?sslmode=prefer", "encrypted"],
    ["localhost", "127.0.0.1:$?sslmode=require", "encrypted"],
    ["localhost", `127.0.0.1:$?sslmode=verify-ca&${ROOTS}`, "encrypted"],
    ["localhost", `127.0.0.1:$?sslmode=verify-full&${ROOTS}`, "encrypted"],
    ["localhost", `localhost:$?sslmode=verify-full&${ROOTS}`, "encrypted"],
    ["localhost", `127.0.0.1:$?sslmode=prefer&${STRANGER}`, "encrypted"],
    ["localhost", `127.0.0.1:$?sslmode=require&${STRANGER}`, new RegExp(`^${unsigned}.*sslrootcert$`)],
    ["localhost", `127.0.0.1:$?sslmode=verify-ca&${STRANGER}`, new RegExp(`^${unsigned}`)],
    ["localhost", `127.0.0.1:$?sslmode=verify-full&${STRANGER}`, new RegExp(`^${unsigned}`)],
    ["localhost", "localhost:$?sslrootcert=system", /is not signed by an authority that the system knows/],
    ["elsewhere", "127.0.0.1:$?sslmode=require", "encrypted"],
    ["elsewhere", `127.0.0.1:$?sslmode=verify-ca&${ROOTS}`, "encrypted"],
    [
      "elsewhere",
      `127.0.0.1:$?sslmode=verify-full&${ROOTS}`,
      "the server's certificate is not for 127.0.0.1; connect to a name that it is for, or use sslmode=verify-ca",
    ],
    ["elsewhere", `localhost:$?sslmode=verify-full&${ROOTS}`, /certificate is not for localhost/],
    ["expired", "127.0.0.1:$?sslmode=require", "encrypted"],
    ["expired", `127.0.0.1:$?sslmode=verify-ca&${ROOTS}`, /expired/],
    ["expired", `localhost:$?sslmode=verify-full&${ROOTS}`, /expired/],
    ["localhost", `alice@127.0.0.1:$/postgres?${client}&sslkey=${key}`, "encrypted for /CN=alice"],
    [
      "localhost",
      `alice@127.0.0.1:$/postgres?${client}&sslkey=${key}&${ROOTS}&sslmode=verify-full`,
      "encrypted for /CN=alice",
    ],
    ["localhost", "alice@127.0.0.1:$/postgres", /refuses this user|certificate/],
    ["localhost", `bob@127.0.0.1:$/postgres?${client}&sslkey=${key}`, "the password is wrong or missing"],
    ["localhost", "bob:hunter2@127.0.0.1:$/postgres?sslmode=require", "encrypted"],
    ["localhost", "bob:hunter3@127.0.0.1:$/postgres", "the password is wrong or missing"],
    ["localhost", "bob:hunter2@127.0.0.1:$/nowhere", "the database does not exist"],
    ["localhost", "carol@127.0.0.1:$/postgres?sslmode=disable", "plain"],
    ["localhost", "carol@127.0.0.1:$/postgres?sslmode=require", /refuses this user/],
  ];
  const urlOf = (server: Name, url: string): string =>
    `postgres://${url.replace("$", String(portOf(server)))}`;

  test.each(cases)("of the server with certificate %s: %s", async (server, url, answer) => {
    const said = await asked(urlOf(server, url));
    if (typeof answer === "string") expect(said).toBe(answer);
    else expect(said).toMatch(answer);
  });

  test("is the same on Deno, and leaves nothing that keeps the program running", async () => {
    const script = join(ROOT, "tests/support/postgres/asked.ts");
    const urls = JSON.stringify(cases.map(([server, url]) => urlOf(server, url)));
    const deno = Bun.spawn([join(ROOT, "node_modules/.bin/deno"), "run", "-A", "--no-check", script, urls], {
      cwd: ROOT,
      env: {
        PATH: process.env["PATH"] ?? "",
        HOME: workspace.home,
        DENO_DIR: process.env["DENO_DIR"] ?? join(ROOT, "node_modules/.deno-cache"),
        DENO_NO_UPDATE_CHECK: "1",
      },
      stderr: "pipe",
    });
    try {
      const [stdout, stderr] = await within(
        Promise.all([new Response(deno.stdout).text(), new Response(deno.stderr).text(), deno.exited]),
        () => "Deno",
      );
      expect(stderr).toBe("");
      const said = JSON.parse(stdout) as string[];
      for (const [index, [server, url, answer]] of cases.entries())
        expect(said[index], `${server} ${url}`).toMatch(
          typeof answer === "string" ? new RegExp(`^${RegExp.escape(answer)}$`) : answer,
        );
    } finally {
      deno.kill();
    }
  });
});

describe("a password", () => {
  const url = (): string => `postgres://bob@127.0.0.1:${portOf("localhost")}/postgres`;

  test("comes from the environment", async () => {
    expect(await asked(url(), { env: { PGPASSWORD: "hunter2" } })).toBe("encrypted");
    expect(await asked(url(), { env: { PGPASSWORD: "hunter3" } })).toBe("the password is wrong or missing");
    expect(await asked(url())).toBe("the password is wrong or missing");
  });

  test("comes from the file, as it is when the server asks for it", async () => {
    const path = join(workspace.home, ".pgpass");
    const { home } = workspace;
    writeFileSync(path, `127.0.0.1:${portOf("localhost")}:*:bob:hunter3\n`, { mode: 0o600 });
    expect(await asked(url(), { home })).toBe("the password is wrong or missing");
    writeFileSync(path, `127.0.0.1:${portOf("localhost")}:*:bob:hunter2\n`);
    expect(await asked(url(), { home })).toBe("encrypted");
  });

  test("is found for the host that was reached, and for sockets", async () => {
    const path = join(workspace.home, "passwords");
    const { folder = "" } = servers.get("localhost") ?? {};
    writeFileSync(
      path,
      `127.0.0.1:1:*:*:wrong\nlocalhost:*:*:bob:hunter2\n${folder}:*:*:bob:hunter2\n*:*:*:*:wrong`,
      { mode: 0o600 },
    );
    const env = { PGPASSFILE: path };
    const port = portOf("localhost");
    expect(await asked(`postgres://bob@127.0.0.1:1,localhost:${port}/postgres`, { env })).toBe("encrypted");
    expect(await asked(`postgres:///postgres?user=bob&host=${folder}&port=${port}`, { env })).toBe("plain");
  });
});

describe("dial()", () => {
  test("reaches a server through its socket", async () => {
    const { folder = "", port = 0 } = servers.get("none") ?? {};
    expect(await asked(`postgres://${encodeURIComponent(folder)}:${port}/postgres`)).toBe("plain");
    const env = { PGHOST: folder, PGPORT: String(port) };
    expect(await asked("postgres:///postgres?sslmode=require", { env })).toBe("plain");
    expect(
      await asked("postgres:///postgres", { env: { PGPORT: env.PGPORT }, socketFolders: [folder] }),
    ).toBe("plain");
  });

  test("tries one host after the other", async () => {
    await using silent = await FakeServer.start();
    const hosts = `127.0.0.1:1,127.0.0.1:${silent.port},127.0.0.1:${portOf("localhost")}`;
    expect(await asked(`postgres://${hosts}/postgres?sslmode=require`)).toBe("encrypted");
    expect(silent.received.map((bytes) => bytes.toString("hex"))).toEqual([SSL_REQUEST]);
    await until(
      () => silent.open === 0,
      () => "the connection to be closed",
    );
  });

  test("reports why none of them can be reached", async () => {
    const url = `postgres://127.0.0.1:1,127.0.0.1:${portOf("none")}/db?sslmode=require`;
    expect(await failure(url, 2000)).toBe(
      `127.0.0.1:1: connection refused; 127.0.0.1:${portOf("none")}: the server has no TLS, which sslmode=require requires`,
    );
    expect(await failure("postgres://127.0.0.1:1,127.0.0.1:2/db", 2000)).toBe("connection refused");
    expect(await failure("postgres:///db?host=/nonexistent", 2000)).toBe("there is no such socket");
    expect(await failure("postgres://no-such-host.invalid/db", 2000)).toMatch(
      /^there is no such host|^the host's/,
    );
  });

  test("tries all addresses of a host", async () => {
    const port = portOf("localhost");
    const said = (addresses: string[]): Promise<string> =>
      failure(`postgres://db.example:${port}/db?sslmode=verify-full&${ROOTS}`, 2000, {
        addressesOf: async () => addresses,
      });
    const reason =
      "the server's certificate is not for db.example; connect to a name that it is for, or use sslmode=verify-ca";
    expect(await said(["127.0.0.1"])).toBe(reason);
    expect(await said(["127.0.0.2", "127.0.0.1"])).toBe(
      `127.0.0.2:${port}: connection refused; 127.0.0.1:${port}: ${reason}`,
    );
  });

  test("keeps its timeout for a lookup, an answer, and a handshake", async () => {
    const hanging: DialOptions = { addressesOf: () => new Promise(() => undefined) };
    await using silent = await FakeServer.start();
    await using halfway = await FakeServer.start((socket, data) => {
      if (data.toString("hex") === SSL_REQUEST) socket.write("S");
    });
    const begin = performance.now();
    const reasons = await Promise.all([
      failure("postgres://db.example/db", 300, hanging),
      failure("postgres://db.example,db2.example/db", 600, hanging),
      failure(`postgres://127.0.0.1:${silent.port}/db`, 300),
      failure(`postgres://127.0.0.1:${silent.port}/db?connect_timeout=1`, 60_000),
      failure(`postgres://127.0.0.1:${halfway.port}/db?sslmode=require`, 300),
      failure(`postgres://127.0.0.1:${silent.port},127.0.0.1:1/db`, 600),
    ]);
    for (const reason of reasons) expect(reason).toMatch(/no answer within [\d.]+ s/);
    expect(reasons[5]).toEndWith("; 127.0.0.1:1: connection refused");
    expect(performance.now() - begin).toBeLessThan(5000);
    await until(
      () => silent.open + halfway.open === 0,
      () => "all connections to be closed",
    );
  });

  test.each([
    ["HTTP/1.1 400 Bad Request\r\n\r\n", "it is not a PostgreSQL server"],
    ["\0", "it is not a PostgreSQL server"],
    ["E\0\0\0\x08SFATAL", "the server failed before it could encrypt the connection"],
    ["S\x16\x03\x01", "unencrypted data arrived before encryption began: the connection may be intercepted"],
    ["NE\0\0\0\x08", "unencrypted data arrived before encryption began: the connection may be intercepted"],
  ])("does not go on with a server that answers %j", async (answer, reason) => {
    await using fake = await FakeServer.start((socket) => socket.write(answer));
    for (const sslmode of ["prefer", "require"])
      expect(await failure(`postgres://127.0.0.1:${fake.port}/db?sslmode=${sslmode}`, 2000)).toBe(reason);
    await until(
      () => fake.open === 0,
      () => "the connections to be closed",
    );
    expect(fake.received.map((bytes) => bytes.toString("hex"))).toEqual([SSL_REQUEST, SSL_REQUEST]);
  });

  test("reports a server that closes the connection", async () => {
    await using fake = await FakeServer.start((socket) => socket.end());
    expect(await failure(`postgres://127.0.0.1:${fake.port}/db`, 2000)).toBe(
      "the server closed the connection",
    );
  });

  test("connects without TLS after a failed handshake, if that is allowed", async () => {
    const quarrelsome = (socket: Socket, data: Buffer, connection: number): void => {
      if (connection === 0) socket.write(data.toString("hex") === SSL_REQUEST ? "S" : "nonsense");
    };
    await using strict = await FakeServer.start(quarrelsome);
    await using lenient = await FakeServer.start(quarrelsome);
    expect(await failure(`postgres://127.0.0.1:${strict.port}/db?sslmode=require`, 2000)).toBe(
      "the TLS handshake failed: wrong version number",
    );
    expect(strict.received).toHaveLength(1);
    const { socket } = await dial(target(`postgres://127.0.0.1:${lenient.port}/db`), systemClock, 2000);
    socket.write("hello");
    await until(
      () => lenient.received[1]?.toString() === "hello",
      () => "an unencrypted connection",
    );
    socket.destroy();
  });

  test("returns a socket whose errors cannot end the process", async () => {
    await using fake = await FakeServer.start((socket) => {
      socket.write("N");
      socket.on("data", () => socket.resetAndDestroy());
    });
    const { socket } = await dial(target(`postgres://127.0.0.1:${fake.port}/db`), systemClock, 2000);
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    socket.once("close", () => resolve());
    socket.write("anything");
    socket.resume();
    await within(closed, () => "the end of the connection");
  });
});

test("a connection that is closed while it connects leaves nothing open", async () => {
  const { promise: asked, resolve } = Promise.withResolvers<Socket>();
  await using fake = await FakeServer.start((socket) => resolve(socket));
  const link = new ReconnectingConnection(target(`postgres://127.0.0.1:${fake.port}/db`), systemClock, {
    purpose: "test",
  });
  const failed = link.query("SELECT 1").catch(postgresReason);
  const socket = await within(asked, () => "a connection");
  link.close();
  expect(await failed).toBe("the archive was closed");
  socket.write("N");
  await until(
    () => fake.open === 0,
    () => "the connection to be closed",
  );
  expect(fake.received.map((bytes) => bytes.toString("hex"))).toEqual([SSL_REQUEST]);
});

test("a server gets user, database, encoding and purpose, and nothing else", async () => {
  await using fake = await FakeServer.start((socket, data) => {
    if (data.toString("hex") === SSL_REQUEST) socket.write("N");
    else socket.end("E\0\0\0\x22SFATAL\0C57P03\0Mnot yet, wait\0\0");
  });
  const everything = "schema=s&connect_timeout=5&sslmode=prefer&password=hunter2";
  const said = await asked(`postgres://alice@127.0.0.1:${fake.port}/sessions?${everything}`, {
    env: { PGAPPNAME: "mine", PGOPTIONS: "-c search_path=x" },
  });
  expect(said).toBe("the server is starting up");
  const startup = fake.received[0]?.subarray(SSL_REQUEST.length / 2) ?? Buffer.alloc(0);
  expect(startup.readInt32BE(0)).toBe(startup.length);
  expect(startup.readInt32BE(4)).toBe(3 << 16);
  const words = startup.subarray(8).toString().split("\0");
  expect(words.join(" ")).toBe(
    "user alice database sessions client_encoding UTF8 application_name sessionwatch test  ",
  );
});
