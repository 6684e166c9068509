/** Opens a connection to a server, as safe as its target asks for. */

import { lookup } from "node:dns/promises";
import { connect, isIP } from "node:net";
import type { Socket } from "node:net";
import { nameOfEndpoint } from "./endpoint.ts";
import type { Endpoint } from "./endpoint.ts";
import { HandshakeFailure, secured } from "./handshake.ts";
import { reasonOf } from "./reasons.ts";
import { happening } from "./socket-event.ts";
import type { Target } from "./target.ts";
import type { Tls } from "./tls.ts";

export interface Dialled {
  /** Whoever gets it destroys it; until then, its errors are nobody's. */
  socket: Socket;
  /** Where it leads to. */
  endpoint: Endpoint;
}

export interface DialOptions {
  /** @returns the addresses of a host. @throws when there are none. @default the system's */
  addressesOf?: (host: string) => Promise<string[]>;
}

/** Where a server is tried, by the name that its certificate must have. */
interface Address {
  to: { host: string; port: number } | { path: string };
  name: string;
}

/**
 * Tries all endpoints, and all addresses of each, until one can be spoken to.
 *
 * @param timeoutMs for everything together; whoever is tried gets its share of what is left.
 * @throws Error with one clause that says why not.
 */
export async function dial(target: Target, timeoutMs: number, options: DialOptions = {}): Promise<Dialled> {
  const { addressesOf = systemAddresses } = options;
  const { endpoints, tls, connectMs } = target;
  return await firstOf(
    endpoints,
    nameOfEndpoint,
    Math.min(timeoutMs, connectMs ?? Infinity),
    async (endpoint, ms) => {
      const begin = performance.now();
      const addresses = await addressesAt(endpoint, addressesOf, ms);
      const left = ms - (performance.now() - begin);
      const socket = await firstOf(addresses, placeOf, left, (address, ms) => reach(address, tls, ms));
      return { socket, endpoint };
    },
  );
}

/** @throws Error with the reason of the one that failed; with all of them, if there are several. */
async function firstOf<Item, Result>(
  items: readonly Item[],
  nameOf: (item: Item) => string,
  ms: number,
  attempt: (item: Item, ms: number) => Promise<Result>,
): Promise<Result> {
  const deadline = performance.now() + ms;
  const failures: { name: string; reason: string; error: unknown }[] = [];
  for (const [index, item] of items.entries()) {
    try {
      const share = (deadline - performance.now()) / (items.length - index);
      return await attempt(item, Math.max(share, 1));
    } catch (error) {
      failures.push({ name: nameOf(item), reason: reasonOf(error), error });
    }
  }
  const reasons = [...new Set(failures.map(({ reason }) => reason))];
  const message =
    reasons.length > 1 ? failures.map(({ name, reason }) => `${name}: ${reason}`).join("; ") : reasons[0];
  const errors = failures.map(({ error }) => error);
  throw new Error(message, { cause: errors.length > 1 ? new AggregateError(errors, message) : errors[0] });
}

async function addressesAt(
  endpoint: Endpoint,
  addressesOf: (host: string) => Promise<string[]>,
  ms: number,
): Promise<Address[]> {
  if ("path" in endpoint) return [{ to: { path: endpoint.path }, name: endpoint.path }];
  const { host, port } = endpoint;
  if (isIP(host) !== 0) return [{ to: endpoint, name: host }];
  const addresses = await inTime(ms, async (signal) => {
    const { promise: late, reject } = Promise.withResolvers<never>();
    signal.addEventListener("abort", () => reject(signal.reason));
    // Nobody can end a lookup; what comes of it later is nobody's.
    return await Promise.race([addressesOf(host), late]);
  });
  if (addresses.length === 0) throw new Error("the host has no address");
  return addresses.map((address) => ({ to: { host: address, port }, name: host }));
}

function placeOf({ to }: Address): string {
  return "path" in to ? to.path : nameOfEndpoint(to);
}

async function reach(address: Address, tls: Tls, ms: number): Promise<Socket> {
  return await inTime(ms, async (signal) => {
    try {
      return await open(address, tls, signal);
    } catch (error) {
      // As in libpq: whoever is content without TLS is so where it fails, too.
      if (tls.use !== "if-offered" || !(error instanceof HandshakeFailure)) throw error;
      return await open(address, { ...tls, use: "never" }, signal);
    }
  });
}

async function open({ to, name }: Address, tls: Tls, signal: AbortSignal): Promise<Socket> {
  const socket = connect(to);
  // For good: between two listeners of others, an error would end the process.
  socket.on("error", () => undefined);
  try {
    await happening(socket, "connect", signal);
    return "path" in to || tls.use === "never" ? socket : await secured(socket, name, tls, signal);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function inTime<T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const late = new AbortController();
  const timer = setTimeout(
    () => late.abort(new Error(`no answer within ${Math.round(ms / 100) / 10} s`)),
    ms,
  );
  try {
    return await work(late.signal);
  } finally {
    clearTimeout(timer);
  }
}

async function systemAddresses(host: string): Promise<string[]> {
  const found = await lookup(host, { all: true });
  return found.map(({ address }) => address);
}
