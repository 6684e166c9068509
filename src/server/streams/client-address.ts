/** Which client an address belongs to. */

import { isLoopback } from "../../addresses.ts";

/**
 * @returns the key that a client's streams are counted by: its IPv4 address, or its 64-bit IPv6 network, because one client
 * owns every address in it. Null for this machine, where programs and proxies act for many clients.
 */
export function clientOf(address: string): string | null {
  if (isLoopback(address)) return null;
  if (!address.includes(":")) return address;
  const groups = groupsOf(address.replace(/%.*$/, ""));
  return mappedIPv4(groups) ?? `${groups.slice(0, 4).map(hex).join(":")}::/64`;
}

/** @returns the eight numbers of an IPv6 address. */
function groupsOf(address: string): number[] {
  const [head = "", tail] = hexOnly(address).split("::");
  const first = numbersIn(head);
  if (tail === undefined) return first;
  const last = numbersIn(tail);
  return [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last];
}

/** The last 32 bits may be written as an IPv4 address. */
function hexOnly(address: string): string {
  return address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_text, ...parts: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = parts.map(Number);
    return `${hex(a * 256 + b)}:${hex(c * 256 + d)}`;
  });
}

/** @returns the IPv4 address that is mapped into IPv6 (RFC 4291, section 2.5.5.2); null for any other. */
function mappedIPv4(groups: readonly number[]): string | null {
  const [high = 0, low = 0] = groups.slice(6);
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  return isMapped ? [high >> 8, high & 255, low >> 8, low & 255].join(".") : null;
}

function numbersIn(groups: string): number[] {
  return groups === "" ? [] : groups.split(":").map((group) => Number.parseInt(group, 16));
}

function hex(group: number): string {
  return group.toString(16);
}
