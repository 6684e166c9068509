import { describe, expect, test } from "bun:test";
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { WatchError } from "../../../../src/errors.ts";
import { parseArchiveAddress } from "../../../../src/stores/postgres/connect/archive-address.ts";
import type {
  ArchiveAddress,
  AddressOptions,
} from "../../../../src/stores/postgres/connect/archive-address.ts";
import { fixtureTls } from "../../../support/postgres/tls.ts";
import { Workspace } from "../../../support/workspace.ts";

const NOWHERE: AddressOptions = {
  env: {},
  home: "/nonexistent",
  osUser: "osuser",
  insecure: false,
  warn: (message) => {
    throw new Error(`unexpected warning: ${message}`);
  },
  socketFolders: [],
};

function parse(url: string, options: Partial<AddressOptions> = {}): ArchiveAddress {
  return parseArchiveAddress(url, { ...NOWHERE, ...options });
}

function refusal(url: string, options: Partial<AddressOptions> = {}): string {
  try {
    parse(url, options);
  } catch (error) {
    if (!(error instanceof WatchError) || error.code !== "usage") throw error;
    expect(error.message).toMatch(/^--db: [^\n]+$/);
    // Its cause may be logged, too.
    expect(error.cause).toBeUndefined();
    return error.message;
  }
  throw new Error(`not refused: ${url}`);
}

function passwordOf(target: ArchiveAddress): string {
  const [server] = target.servers;
  if (server === undefined) throw new Error("no server");
  return target.password(server);
}

describe("parseArchiveAddress() finds the server", () => {
  test.each([
    ["postgres://localhost", [{ host: "localhost", port: 5432 }]],
    ["postgresql://localhost:6000/db", [{ host: "localhost", port: 6000 }]],
    ["POSTGRES://LOCALHOST/db", [{ host: "LOCALHOST", port: 5432 }]],
    [
      "postgres://u@h1:1,h2:2/db",
      [
        { host: "h1", port: 1 },
        { host: "h2", port: 2 },
      ],
    ],
    [
      "postgres://h1:1,h2/db",
      [
        { host: "h1", port: 1 },
        { host: "h2", port: 5432 },
      ],
    ],
    [
      "postgres://h1,h2/db?port=7",
      [
        { host: "h1", port: 7 },
        { host: "h2", port: 7 },
      ],
    ],
    [
      "postgres://h1,h2/db?port=7,8",
      [
        { host: "h1", port: 7 },
        { host: "h2", port: 8 },
      ],
    ],
    [
      "postgres:///db?host=h1,h2&port=1,2",
      [
        { host: "h1", port: 1 },
        { host: "h2", port: 2 },
      ],
    ],
    ["postgres://[::1]:6000/db", [{ host: "::1", port: 6000 }]],
    [
      "postgres://[2001:db8::1],[::1]:2/db",
      [
        { host: "2001:db8::1", port: 5432 },
        { host: "::1", port: 2 },
      ],
    ],
    ["postgres://[fe80::1%25eth0]/db", [{ host: "fe80::1%eth0", port: 5432 }]],
    ["postgres:///db?host=::1", [{ host: "::1", port: 5432 }]],
    ["postgres:///", [{ host: "localhost", port: 5432 }]],
    ["postgres://", [{ host: "localhost", port: 5432 }]],
    ["postgres://:6000", [{ host: "localhost", port: 6000 }]],
    ["postgres://u@/db", [{ host: "localhost", port: 5432 }]],
    ["postgres://%2Fvar%2Frun/db", [{ folder: "/var/run", port: 5432, path: "/var/run/.s.PGSQL.5432" }]],
    ["postgres://%2Frun:6000/db", [{ folder: "/run", port: 6000, path: "/run/.s.PGSQL.6000" }]],
    ["postgres:///db?host=/run/", [{ folder: "/run/", port: 5432, path: "/run/.s.PGSQL.5432" }]],
    ["postgres:///db?host=%2Frun", [{ folder: "/run", port: 5432, path: "/run/.s.PGSQL.5432" }]],
    ["postgres://db%2Dserver/db", [{ host: "db-server", port: 5432 }]],
    ["postgres://bücher.example/db", [{ host: "bücher.example", port: 5432 }]],
  ])("%s", (url, servers) => {
    expect(parse(url).servers as unknown).toEqual(servers);
  });

  test("from the environment, or from an existing socket", () => {
    using workspace = new Workspace();
    writeFileSync(workspace.path(".s.PGSQL.6000"), "");
    const socketFolders = ["/nonexistent", workspace.folder];
    const env = { PGHOST: "h1,h2", PGPORT: "6000" };
    const socket = {
      folder: workspace.folder,
      port: 6000,
      path: workspace.path(".s.PGSQL.6000"),
    };
    expect(parse("postgres:///db", { env, socketFolders }).servers).toEqual([
      { host: "h1", port: 6000 },
      { host: "h2", port: 6000 },
    ]);
    expect(parse("postgres://:6000/db", { socketFolders }).servers).toEqual([socket]);
    expect(parse("postgres:///db", { env: { PGPORT: "6000", PGHOST: "" }, socketFolders }).servers).toEqual([
      socket,
    ]);
    expect(parse("postgres:///db", { socketFolders }).servers).toEqual([{ host: "localhost", port: 5432 }]);
    expect(parse("postgres://h/db", { env, socketFolders }).servers).toEqual([{ host: "h", port: 6000 }]);
  });

  test.each([
    ["postgres://h:0/db", "a port is a number from 1 to 65535"],
    ["postgres://h:65536/db", "a port is"],
    ["postgres://h:x/db", "a port is"],
    ["postgres://h:+1/db", "a port is"],
    ["postgres://h/db?port=1,2", "there are 2 ports for 1 hosts"],
    ["postgres://a,b,c/db?port=1,2", "there are 2 ports for 3 hosts"],
    ["postgres://::1/db", "a host is written host, host:port or [::1]:port"],
    ["postgres://[::1/db", "a host is written"],
    ["postgres://[::1]x/db", "a host is written"],
    ["postgres://[]/db", "the brackets hold no address"],
    ["postgres://a%20b/db", "a host is a name, an address, or the folder of a socket"],
    ["postgres://%40abstract/db", "a host is a name"],
    [`postgres://%2F${"x".repeat(100)}/db`, "the path of the socket's folder is too long"],
    ["postgres://a b/db", "a space in a URL is written %20"],
    ["postgres://h/db\n", "a space in a URL is written %20"],
    ["postgres://h/%zz", 'a "%" is not followed by the code of a character'],
    ["postgres://h/%ff", 'a "%" is not followed by the code of a character'],
    ["postgres://h/a%00b", "%00 is no character"],
    ["postgres:h", "a PostgreSQL archive is written postgres://user@host/database"],
    ["mysql://h/db", "a PostgreSQL archive is written"],
    ["postgres://h/db?host=/run", "host is given twice"],
    ["postgres://h:1/db?port=2", "port is given twice"],
    ["postgres://u@h/db?user=v", "user is given twice"],
    ["postgres://u:p@h/db?password=q", "password is given twice"],
    ["postgres://h/db?dbname=x", "dbname is given twice"],
    ["postgres://h/db?sslmode=require&sslmode=require", "sslmode is given twice"],
    ["postgres://h/db?schema", "parameters are written name=value"],
    ["postgres://h/db?=x", "parameters are written name=value"],
    ["postgres://h/db?schema=a&", "parameters are written name=value"],
  ])("and refuses %s", (url, reason) => {
    expect(refusal(url)).toContain(reason);
  });
});

describe("parseArchiveAddress() finds user, database, password and schema", () => {
  test.each([
    ["postgres://alice@h/sessions", "alice", "sessions", ""],
    ["postgres://alice:pass@h/sessions", "alice", "sessions", "pass"],
    ["postgres://a%40b:p%3A%2F%40%25@h/d%2Fe%20f", "a@b", "d/e f", "p:/@%"],
    ["postgres://a:b:c@h/d", "a", "d", "b:c"],
    ["postgres://a:#!$'()*+,;=-._~@h/d", "a", "d", "#!$'()*+,;=-._~"],
    ["postgres://j%C3%BCrgen:%F0%9F%90%98@h/%E6%95%B0", "jürgen", "数", "🐘"],
    ["postgres://alice@h", "alice", "alice", ""],
    ["postgres://alice@h/", "alice", "alice", ""],
    ["postgres://h", "osuser", "osuser", ""],
    ["postgres://h/db", "osuser", "db", ""],
    ["postgres:///?user=bob&password=a%26b==&dbname=db&host=h", "bob", "db", "a&b=="],
    ["postgres://:only@h/db", "osuser", "db", "only"],
    ["postgres://h/db?user=a+b", "a+b", "db", ""],
  ])("%s", (url, user, database, password) => {
    const target = parse(url);
    expect([target.user, target.database, passwordOf(target)]).toEqual([user, database, password]);
  });

  test("also in the environment", () => {
    const env = { PGUSER: "eve", PGDATABASE: "things", PGPASSWORD: "secret" };
    const [byDefault, said] = [parse("postgres://h", { env }), parse("postgres://a:b@h/c", { env })];
    expect([byDefault.user, byDefault.database, passwordOf(byDefault)]).toEqual(["eve", "things", "secret"]);
    expect([said.user, said.database, passwordOf(said)]).toEqual(["a", "c", "b"]);
    expect(passwordOf(parse("postgres://a:@h", { env }))).toBe("secret");
    expect(parse("postgres://h", { env: { PGUSER: "eve" } }).database).toBe("eve");
  });

  test("and requires a user", () => {
    expect(refusal("postgres://h/db", { osUser: "" })).toContain("name a user");
  });

  test.each([
    ["agentsview", "agentsview"],
    ["My%20Schema%3B%20%22DROP%22", 'My Schema; "DROP"'],
    ["x".repeat(63), "x".repeat(63)],
    ["%C3%BC".repeat(31), "ü".repeat(31)],
    ["", null],
  ])("schema=%s", (text, schema) => {
    expect(parse(`postgres://h/db?schema=${text}`).schema).toBe(schema);
  });

  test.each(["x".repeat(64), "%C3%BC".repeat(32), "a%0Ab", "a%7Fb", "a%C2%85b"])(
    "and refuses schema=%s",
    (text) => {
      expect(refusal(`postgres://h/db?schema=${text}`)).toContain("schema must be a name of 1 to 63 bytes");
    },
  );

  test("and names the archive without user and password", () => {
    for (const [url, name] of [
      ["postgres://alice:secret@h1:1,[::1]/d%0Ab", "postgres://h1:1,[::1]:5432/d%0Ab"],
      ["postgres://alice:secret@%2Frun/db", "postgres://%2Frun:5432/db"],
    ] as const)
      expect(parse(url).name).toBe(name);
  });
});

describe("parseArchiveAddress() reads passwords from a file", () => {
  function withFile(text: string, work: (options: Partial<AddressOptions>, path: string) => void): void {
    using workspace = new Workspace();
    const path = join(workspace.home, ".pgpass");
    writeFileSync(path, text, { mode: 0o600 });
    work({ home: workspace.home }, path);
  }

  test.each([
    ["h:5432:db:alice:secret", "secret"],
    ["*:*:*:*:secret", "secret"],
    ["h:*:db:*:secret\r\n", "secret"],
    ["# a comment\n\nnonsense\nh:5432:db:bob:wrong\nh:5432:db:alice:first\nh:5432:db:alice:second", "first"],
    ["#h:5432:db:alice:no\n", ""],
    [String.raw`h:5432:db:alice:a\:b\\c\d`, String.raw`a:b\cd`],
    [String.raw`h:5432:db:\alice:x`, "x"],
    [String.raw`h:5432:db:\*:x`, ""],
    ["h:5432:db:alice:secret:more", "secret"],
    ["h:5432:db:alice:", ""],
    ["h:5432:db:alice:\n*:*:*:*:other", ""],
    ["h:5432:db:alice", ""],
    ["h:5433:db:alice:x", ""],
    ["H:5432:db:alice:x", ""],
    ["h:5432:db:alice:x", "x"],
    ["h:5432:db:alice:ü 🐘", "ü 🐘"],
    ["", ""],
  ])("%j", (text, password) => {
    withFile(text, (options) => {
      expect(passwordOf(parse("postgres://alice@h/db", options))).toBe(password);
    });
  });

  test("with escaped names", () => {
    withFile(String.raw`2001\:db8\:\:1:5432:a\\b:c\:d:secret`, (options) => {
      expect(passwordOf(parse("postgres://c%3Ad@[2001:db8::1]/a%5Cb", options))).toBe("secret");
    });
  });

  test("for sockets, where localhost means the usual folders", () => {
    withFile("localhost:5432:db:alice:usual\n/srv/pg:5432:db:alice:unusual", (options) => {
      for (const [folder, password] of [
        ["/var/run/postgresql", "usual"],
        ["/tmp", "usual"],
        ["/srv/pg", "unusual"],
        ["/srv/other", ""],
      ] as const)
        expect(passwordOf(parse(`postgres://alice@/db?host=${folder}`, options))).toBe(password);
    });
  });

  test("that PGPASSFILE or passfile names, unless the password is given elsewhere", () => {
    withFile("*:*:*:*:file", (_options, path) => {
      const env = { PGPASSFILE: path };
      expect(passwordOf(parse("postgres://h", { env }))).toBe("file");
      expect(passwordOf(parse(`postgres://h?passfile=${path}`))).toBe("file");
      expect(passwordOf(parse("postgres://h?passfile=/nonexistent", { env }))).toBe("");
      expect(passwordOf(parse("postgres://h", { env: { ...env, PGPASSWORD: "variable" } }))).toBe("variable");
      expect(passwordOf(parse("postgres://u:url@h", { env }))).toBe("url");
    });
  });

  test("again for each connection, for the server that asks", () => {
    withFile("h1:*:*:*:one\nh2:*:*:*:two", (options, path) => {
      const { servers, password } = parse("postgres://h1,h2/db", options);
      expect(servers.map(password)).toEqual(["one", "two"]);
      writeFileSync(path, "h1:*:*:*:changed");
      expect(servers.map(password)).toEqual(["changed", ""]);
    });
  });

  test("but not if others may read it, and warns once", () => {
    withFile("*:*:*:*:secret", (options, path) => {
      for (const mode of [0o640, 0o604, 0o620]) {
        chmodSync(path, mode);
        const warnings: string[] = [];
        const target = parse("postgres://h1,h2", { ...options, warn: (message) => warnings.push(message) });
        expect([passwordOf(target), passwordOf(target)]).toEqual(["", ""]);
        expect(warnings).toEqual([
          `the password file ${path} is ignored: others may read it; chmod 600 helps`,
        ]);
      }
    });
  });

  test("nor if it is not a file", () => {
    const warnings: string[] = [];
    const target = parse("postgres://h?passfile=/dev/null", { warn: (message) => warnings.push(message) });
    expect(passwordOf(target)).toBe("");
    expect(warnings).toEqual(["the password file /dev/null is ignored: it is not a plain file"]);
  });
});

describe("parseArchiveAddress() refuses what is not supported by its name", () => {
  const SUPPORTED =
    "host, port, user, password, dbname, schema, connect_timeout, sslmode, sslrootcert, sslcert, sslkey, passfile";

  /** As PQconndefaults() of PostgreSQL 18 lists them, without the supported ones; and some of other libraries. */
  const OTHERS =
    `service channel_binding hostaddr client_encoding options application_name fallback_application_name keepalives
    keepalives_idle keepalives_interval keepalives_count tcp_user_timeout sslnegotiation sslcompression sslcertmode
    sslpassword sslcrl sslcrldir sslsni requirepeer require_auth min_protocol_version max_protocol_version
    ssl_min_protocol_version ssl_max_protocol_version gssencmode krbsrvname gsslib gssdelegation replication
    target_session_attrs load_balance_hosts scram_client_key scram_server_key oauth_issuer oauth_client_id
    oauth_client_secret oauth_scope sslkeylogfile requiressl ssl statement_timeout search_path sslmod SSLMODE shema
    currentSchema __proto__ constructor`.split(/\s+/);

  test.each(OTHERS)("%s", (name) => {
    const reason = `--db: ${name} is not supported; supported: ${SUPPORTED}`;
    for (const value of ["", "x", "true", "disable"])
      expect(refusal(`postgres://user:secret@localhost/db?${name}=${value}`)).toBe(reason);
  });

  test.each(["schema=x&a%20b=1", "password=x&secret=1", `${"x".repeat(41)}=1`])(
    "but hides a name that may be the rest of a password: %s",
    (parameters) => {
      expect(refusal(`postgres://localhost/db?${parameters}`)).toBe(
        `--db: a parameter, not shown here, is not supported; supported: ${SUPPORTED}`,
      );
    },
  );

  test.each(SUPPORTED.split(", "))("and knows %s", (name) => {
    const value = name === "port" ? "5432" : "verify-full";
    try {
      parse(`postgres://?${name}=${value}`);
    } catch (error) {
      const { message } = error as Error;
      expect(message).toContain(name);
      expect(message).not.toContain("not supported");
    }
  });

  test.each([
    ["sslmode=sometimes", "sslmode must be disable, allow, prefer, require, verify-ca or verify-full"],
    ["sslmode=REQUIRE", "sslmode must be"],
    ["connect_timeout=0", "connect_timeout must be a whole number of seconds, 1 or more"],
    ["connect_timeout=-1", "connect_timeout must be"],
    ["connect_timeout=1.5", "connect_timeout must be"],
  ])("and refuses %s", (parameters, reason) => {
    expect(refusal(`postgres://localhost/db?${parameters}`)).toContain(reason);
  });

  test.each([
    ["PGSSLMODE", "always", "PGSSLMODE must be disable, allow"],
    ["PGHOSTADDR", "127.0.0.1", "PGHOSTADDR is not supported; unset it"],
    ["PGSERVICE", "x", "PGSERVICE is not supported"],
    ["PGREQUIREAUTH", "scram-sha-256", "PGREQUIREAUTH is not supported"],
    ["PGREQUIREPEER", "postgres", "PGREQUIREPEER is not supported"],
    ["PGCHANNELBINDING", "require", "PGCHANNELBINDING is not supported"],
    ["PGGSSENCMODE", "require", "PGGSSENCMODE is not supported"],
    ["PGSSLCERTMODE", "disable", "PGSSLCERTMODE is not supported"],
    ["PGSSLCRL", "x", "PGSSLCRL is not supported"],
    ["PGSSLCRLDIR", "x", "PGSSLCRLDIR is not supported"],
    ["PGSSLMINPROTOCOLVERSION", "TLSv1.3", "PGSSLMINPROTOCOLVERSION is not supported"],
    ["PGTARGETSESSIONATTRS", "any", "PGTARGETSESSIONATTRS is not supported; unset it"],
    ["PGCONNECT_TIMEOUT", "soon", "PGCONNECT_TIMEOUT must be a whole number"],
    ["PGSSLROOTCERT", "/nonexistent", "sslrootcert: cannot read /nonexistent: it does not exist"],
    ["PGPORT", "x", "a port is"],
  ])("and refuses %s=%s", (name, value, reason) => {
    expect(refusal("postgres://localhost/db", { env: { [name]: value } })).toContain(reason);
    expect(parse("postgres://localhost/db", { env: { [name]: "" } }).user).toBe("osuser");
  });

  test.each([
    ["PGCHANNELBINDING", "prefer"],
    ["PGGSSENCMODE", "disable"],
    ["PGSSLMINPROTOCOLVERSION", "TLSv1.2"],
    ["PGAPPNAME", "x"],
    ["PGOPTIONS", "-c search_path=x"],
  ])("and ignores %s=%s, which changes nothing", (name, value) => {
    expect(parse("postgres://localhost/db", { env: { [name]: value } }).name).toBe(
      "postgres://localhost:5432/db",
    );
  });

  test("connect_timeout is in seconds", () => {
    expect(parse("postgres://h?connect_timeout=3").connectMs).toBe(3000);
    expect(parse("postgres://h", { env: { PGCONNECT_TIMEOUT: "4" } }).connectMs).toBe(4000);
    expect(parse("postgres://h").connectMs).toBeNull();
  });
});

describe("parseArchiveAddress() decides how the connection is encrypted", () => {
  const roots = encodeURI(fixtureTls("authority.crt"));

  test.each([
    ["localhost", "", "if-offered", "nothing"],
    ["LOCALHOST", "", "if-offered", "nothing"],
    ["127.0.0.1", "", "if-offered", "nothing"],
    ["127.8.9.10", "", "if-offered", "nothing"],
    ["[::1]", "", "if-offered", "nothing"],
    ["[0:0:0:0:0:0:0:1]", "", "if-offered", "nothing"],
    ["[::ffff:127.0.0.1]", "", "if-offered", "nothing"],
    ["%2Frun", "", "never", "nothing"],
    ["%2Frun", "sslmode=verify-full", "never", "nothing"],
    ["%2Frun,localhost", "", "if-offered", "nothing"],
    ["128.0.0.1", "", "always", "nothing"],
    ["[::2]", "", "always", "nothing"],
    ["[::ffff:10.0.0.1]", "", "always", "nothing"],
    ["127.evil.example", "", "always", "nothing"],
    ["localhost.example", "", "always", "nothing"],
    ["127.1", "", "always", "nothing"],
    ["localhost,db.example", "", "always", "nothing"],
    ["localhost", "sslmode=disable", "never", "nothing"],
    ["localhost", "sslmode=allow", "if-offered", "nothing"],
    ["localhost", "sslmode=prefer", "if-offered", "nothing"],
    ["localhost", `sslmode=prefer&sslrootcert=${roots}`, "if-offered", "nothing"],
    ["localhost", "sslmode=require", "always", "nothing"],
    ["h", `sslrootcert=${roots}`, "always", "chain"],
    ["h", `sslmode=require&sslrootcert=${roots}`, "always", "chain"],
    ["h", `sslmode=verify-ca&sslrootcert=${roots}`, "always", "chain"],
    ["h", `sslmode=verify-full&sslrootcert=${roots}`, "always", "host"],
    ["h", "sslrootcert=system", "always", "host"],
    ["localhost", "sslrootcert=system", "always", "host"],
    ["h", "sslmode=verify-full&sslrootcert=system", "always", "host"],
  ] as const)("%s?%s", (host, parameters, use, check) => {
    expect(parse(`postgres://${host}/db${parameters && `?${parameters}`}`).tls).toMatchObject({ use, check });
  });

  test.each(["disable", "allow", "prefer"])("and refuses sslmode=%s beyond this machine", (sslmode) => {
    for (const host of ["db.example:6000", "%2Frun,db.example:6000", "localhost,db.example:6000"]) {
      const what = `with sslmode=${sslmode} others on the network to db.example:6000 can read the archive`;
      const url = `postgres://${host}/db?sslmode=${sslmode}`;
      expect(refusal(url)).toBe(`--db: ${what}; use sslmode=verify-full or require, or --insecure`);
      expect(refusal(`postgres://${host}/db`, { env: { PGSSLMODE: sslmode } })).toContain(what);
      const warnings: string[] = [];
      parse(url, { insecure: true, warn: (message) => warnings.push(message) });
      expect(warnings).toEqual([`--insecure: ${what}`]);
    }
  });

  test.each([
    ["sslmode=verify-ca", "sslmode=verify-ca needs an authority: sslrootcert=<path>, or sslrootcert=system"],
    ["sslmode=verify-full", "sslmode=verify-full needs an authority"],
    ["sslmode=require&sslrootcert=system", "sslrootcert=system needs sslmode=verify-full"],
    ["sslmode=verify-ca&sslrootcert=system", "sslrootcert=system needs sslmode=verify-full"],
    ["sslrootcert=/nonexistent", "sslrootcert: cannot read /nonexistent: it does not exist"],
    ["sslrootcert=/", "sslrootcert: cannot read /: it is a directory"],
    [`sslrootcert=${encodeURI(fixtureTls("client.key"))}`, "client.key holds no certificate (PEM)"],
    ["sslcert=/nonexistent&sslkey=/nonexistent", "sslcert: cannot read /nonexistent: it does not exist"],
    [
      `sslcert=${encodeURI(fixtureTls("client.crt"))}&sslkey=/nonexistent`,
      "sslkey: cannot read /nonexistent: it does not exist",
    ],
    [`sslcert=${encodeURI(fixtureTls("client.crt"))}`, "sslcert needs sslkey"],
    ["sslkey=/nonexistent", "sslkey needs sslcert"],
  ])("and refuses %s", (parameters, reason) => {
    expect(refusal(`postgres://db.example/db?${parameters}`)).toContain(reason);
  });

  test("and refuses files that cannot be used", () => {
    using workspace = new Workspace();
    const [damaged, key, encrypted, other] = ["damaged", "key", "encrypted", "other"].map((name) =>
      workspace.path(name),
    ) as [string, string, string, string];
    writeFileSync(damaged, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    for (const [source, path] of [
      ["client.key", key],
      ["client-encrypted.key", encrypted],
      ["localhost.key", other],
    ] as const) {
      copyFileSync(fixtureTls(source), path);
      chmodSync(path, 0o600);
    }
    const certificate = `postgres://db.example/db?sslcert=${encodeURI(fixtureTls("client.crt"))}`;
    expect(refusal(`postgres://db.example/db?sslrootcert=${damaged}`)).toContain("or a damaged one");
    expect(refusal(`${certificate}&sslkey=${other}`)).toContain(`${other} is not the key of`);
    expect(refusal(`${certificate}&sslkey=${damaged}`)).toMatch(/others may read|holds no private key/);
    expect(refusal(`${certificate}&sslkey=${encrypted}`)).toBe(
      `--db: sslkey: ${encrypted} is encrypted; passwords of keys are not supported`,
    );
    expect(refusal(`${certificate}&sslkey=${encrypted}&sslpassword=hunter2`)).not.toContain("hunter2");
    expect(parse(`${certificate}&sslkey=${key}`).tls.client?.certificate).toBe(fixtureTls("client.crt"));
    chmodSync(key, 0o644);
    expect(refusal(`${certificate}&sslkey=${key}`)).toContain(`others may read ${key}; chmod 600 helps`);
  });

  test("and uses the files in the user's folder", () => {
    using workspace = new Workspace();
    const folder = join(workspace.home, ".postgresql");
    mkdirSync(folder);
    for (const [from, to] of [
      ["authority.crt", "root.crt"],
      ["client.crt", "postgresql.crt"],
      ["client.key", "postgresql.key"],
    ] as const) {
      copyFileSync(fixtureTls(from), join(folder, to));
      chmodSync(join(folder, to), 0o600);
    }
    const { home } = workspace;
    expect(parse("postgres://h", { home }).tls).toMatchObject({
      check: "chain",
      roots: { path: join(folder, "root.crt") },
      client: { certificate: join(folder, "postgresql.crt"), key: join(folder, "postgresql.key") },
    });
    expect(parse("postgres://h?sslmode=verify-full", { home }).tls.check).toBe("host");
    writeFileSync(join(folder, "root.crl"), "");
    const warnings: string[] = [];
    parse("postgres://h", { home, warn: (message) => warnings.push(message) });
    expect(warnings).toEqual([`${join(folder, "root.crl")} is ignored: revocation lists are not supported`]);
  });
});

describe("parseArchiveAddress() never repeats the password", () => {
  const MARK = "S3cr3t";
  const piece = fc.string({ unit: fc.constantFrom(...":/?#@%&=,[] \\.a1\n\0ü") });
  const password = fc.tuple(piece, piece).map(([a, b]) => `${MARK}${a}${MARK}${b}${MARK}`);
  const rest = fc.constantFrom(
    "h/db",
    "h:x/db",
    "h/db?sslmod=1",
    "h/db?sslmode=x",
    "h/db?sslmode=disable",
    "h/db?schema=a%0Ab",
    "h/db?connect_timeout=0",
    "[h/db",
    "",
    "h:1:2",
    "%zz",
    "h?user=a&user=b",
  );
  const shapes: ((password: string, rest: string) => string)[] = [
    (password, rest) => `postgres://user:${password}@${rest}`,
    (password, rest) => `postgres://user:${encodeURIComponent(password)}@${rest}`,
    (password, rest) => `postgres://user@${rest}${rest.includes("?") ? "&" : "?"}password=${password}`,
    (password, rest) =>
      `postgres://user@${rest}${rest.includes("?") ? "&" : "?"}sslpassword=${encodeURIComponent(password)}&x=1`,
    (password, rest) => `postgres:user:${password}@${rest}`,
  ];

  test("whatever is wrong with the URL", () => {
    fc.assert(
      fc.property(
        password,
        rest,
        fc.constantFrom(...shapes),
        fc.boolean(),
        (password, rest, shape, insecure) => {
          const said: string[] = [];
          try {
            const options = { ...NOWHERE, insecure, warn: (message: string) => said.push(message) };
            said.push(parseArchiveAddress(shape(password, rest), options).name);
          } catch (error) {
            if (!(error instanceof WatchError)) throw error;
            said.push(error.message, String(error.cause), error.stack ?? "");
          }
          expect(said.join("\n")).not.toContain(MARK);
        },
      ),
      { numRuns: 3000 },
    );
  });

  test("and decodes every encoded one", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1 }), (text) => {
        fc.pre(!text.includes("\0"));
        const encoded = encodeURIComponent(text);
        const target = parse(`postgres://${encoded}:${encoded}@h/${encoded}`);
        expect([target.user, passwordOf(target), target.database]).toEqual([text, text, text]);
      }),
    );
  });
});
