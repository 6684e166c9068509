import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isLoopback } from "../../../src/addresses.ts";
import { hostIn } from "../../../src/server/guards/hosts.ts";
import { TestApp } from "../../support/app.ts";

test.each([
  ["localhost", "localhost"],
  ["LocalHost.:7373", "localhost"],
  ["127.0.0.1:7373", "127.0.0.1"],
  ["[::1]:7373", "[::1]"],
  ["[0:0:0:0:0:0:0:1]", "[::1]"],
  ["Watch.Example:443", "watch.example"],
  ["", null],
  [".", null],
  ["a b", null],
  ["localhost, evil.example", null],
  ["localhost@evil.example", null],
  ["localhost/evil.example", null],
  ["localhost#", null],
  ["localhost?", null],
  ["::1", null],
  ["[::1", null],
  ["localhost:99999", null],
  ["localhost:port", null],
])("hostIn(%j) is %j", (header, host) => {
  expect(hostIn(header)).toBe(host);
});

test("hostIn() returns null or a host that a URL leaves unchanged, for any input", () => {
  const header = fc.oneof(
    fc.string(),
    fc.stringMatching(/^[[\]a-z0-9.:%,@/-]{0,30}$/),
    fc.webAuthority({ withPort: true }),
  );
  fc.assert(
    fc.property(header, (text) => {
      const host = hostIn(text);
      if (host !== null) expect(hostIn(host)).toBe(host.replace(/\.$/, "") || null);
    }),
  );
});

test.each([
  ["localhost", true],
  ["127.8.9.10", true],
  ["[::1]", true],
  ["::1", true],
  ["127.0.0.1.evil.example", false],
  ["localhost.evil.example", false],
  ["0.0.0.0", false],
  ["192.168.1.5", false],
])("isLoopback(%j) is %p", (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});

describe("a server", () => {
  const PUBLIC = new URL("https://Watch.Example/prefix/");

  test.each([
    ["127.0.0.1", null, "localhost", 200],
    ["127.0.0.1", null, "localhost:1", 200],
    ["127.0.0.1", null, "127.0.0.1:7373", 200],
    ["127.0.0.1", null, "[::1]:7373", 200],
    ["127.0.0.1", null, "evil.example:7373", 403],
    ["127.0.0.1", null, "192.168.1.5:7373", 403],
    ["127.0.0.1", PUBLIC, "watch.example", 200],
    ["127.0.0.1", PUBLIC, "evil.example", 403],
    ["192.168.1.5", null, "192.168.1.5:7373", 200],
    ["192.168.1.5", null, "192.168.1.6:7373", 403],
    ["Box.Lan", null, "box.lan:7373", 200],
    ["fe80::1", null, "[fe80::1]:7373", 200],
    ["0.0.0.0", null, "192.168.1.5:7373", 200],
    ["0.0.0.0", null, "[fe80::1]:7373", 200],
    ["0.0.0.0", null, "localhost:7373", 200],
    ["0.0.0.0", null, "evil.example:7373", 403],
    ["::", null, "192.168.1.5:7373", 200],
    ["::", PUBLIC, "watch.example.", 200],
    ["::", null, "1.2.3.4.evil.example", 403],
    ["127.0.0.1", null, "localhost, localhost", 400],
  ] as const)(
    "on %s with public URL %s answers Host: %s with %d",
    async (host, publicUrl, header, status) => {
      await using app = new TestApp({ host, publicUrl });
      expect((await app.request("/api/ping", { headers: { host: header } })).status).toBe(status);
    },
  );

  test.each([
    ["127.0.0.1", null, "localhost, 127.0.0.1 and [::1]"],
    ["192.168.1.5", PUBLIC, "localhost, 127.0.0.1, [::1], 192.168.1.5 and watch.example"],
    ["0.0.0.0", PUBLIC, "localhost, watch.example and any address"],
  ] as const)(
    "on %s with public URL %s names the hosts that it answers to",
    async (host, publicUrl, names) => {
      await using app = new TestApp({ host, publicUrl });
      expect(await app.outcome("/", { headers: { host: "evil.example" } })).toEqual([
        403,
        `host not allowed: evil.example; this server answers to ${names}; name others with --public-url`,
      ]);
    },
  );

  test("answers a request with an empty host with 400 and advice", async () => {
    await using app = new TestApp();
    expect(await app.outcome("/api/ping", { headers: { host: "" } })).toEqual([
      400,
      "Host: send it once, as a name or an address and a port",
    ]);
  });
});
