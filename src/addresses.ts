/** Names and addresses of machines. */

import { BlockList, isIP } from "node:net";

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/**
 * The one place that decides what loopback is: for the Host header, for shares of streams, for `--host`, and for databases.
 *
 * @param host a name or an address, with or without the brackets of a URL; IPv4 may be mapped into IPv6.
 */
export function isLoopback(host: string): boolean {
  // Not every runtime's BlockList knows zones.
  const address = withoutBrackets(host).replace(/%.*$/, "");
  const family = isIP(address);
  if (family === 0) return host.toLowerCase() === "localhost";
  return LOOPBACK.check(address, family === 4 ? "ipv4" : "ipv6");
}

/** @returns the host as it appears in a URL. */
export function inUrl(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}

function withoutBrackets(host: string): string {
  return /^\[(.*)\]$/.exec(host)?.[1] ?? host;
}
