import { describe, expect, test } from "bun:test";
import { isLoopback } from "../src/addresses.ts";
import { clientOf } from "../src/server/streams/client-address.ts";
import { TestApp } from "./support/app.ts";

const LOOPBACK = [
  "127.0.0.1",
  "127.8.9.10",
  "127.255.255.254",
  "::1",
  "0:0:0:0:0:0:0:1",
  "0000:0000:0000:0000:0000:0000:0000:0001",
  "::ffff:127.0.0.1",
  "::FFFF:127.0.0.1",
  "::ffff:7f00:1",
  "0:0:0:0:0:ffff:7f00:1",
];
const OTHERS = [
  "0.0.0.0",
  "128.0.0.1",
  "126.255.255.255",
  "192.168.1.5",
  "::",
  "::2",
  "1::1",
  "fe80::1",
  "::ffff:8.8.8.8",
  "::ffff:8000:1",
  "2001:db8::7f00:1",
];

describe("loopback is decided once", () => {
  test.each(LOOPBACK)(
    "isLoopback(%j): also in brackets, with a zone, as a client and as a host",
    async (address) => {
      // Only IPv6 addresses have zones.
      const withZone = address.includes(":") ? `${address}%lo` : address;
      expect([address, `[${address}]`, withZone].filter((host) => !isLoopback(host))).toEqual([]);
      expect(clientOf(address)).toBe(null);
      expect(await statusForHost(address)).toBe(200);
    },
  );

  test.each(OTHERS)("not isLoopback(%j): nor as a client and as a host", async (address) => {
    expect([isLoopback(address), isLoopback(`[${address}]`)]).toEqual([false, false]);
    expect(clientOf(address)).not.toBe(null);
    expect(await statusForHost(address)).toBe(403);
  });

  test.each([
    ["localhost", true],
    ["LocalHost", true],
    ["localhost.evil.example", false],
    ["127.0.0.1.evil.example", false],
    // No addresses at all, whatever they look like.
    ["127.999.1.1", false],
    ["127.0.0", false],
    ["127.1", false],
    ["::1::", false],
    ["[::1", false],
    ["", false],
  ])("isLoopback(%j) is %p", (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });
});

/** @returns how a server on this machine's own address answers a request that was sent to this one. */
async function statusForHost(address: string): Promise<number> {
  await using app = new TestApp();
  const host = address.includes(":") ? `[${address}]:7373` : `${address}:7373`;
  return (await app.request("/api/ping", { headers: { host } })).status;
}
