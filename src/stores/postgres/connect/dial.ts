/** Opens a connection to a server, encrypted as the archive's address requires. */

import { lookup } from "node:dns/promises";
import { connect, isIP } from "node:net";
import type { Socket } from "node:net";
import type { Clock } from "../../../async/clock.ts";
import { Deadline } from "../../../async/deadline.ts";
import { postgresReason } from "../sql/postgres-errors.ts";
import type { ArchiveAddress } from "./archive-address.ts";
import { nameOfServer } from "./server-address.ts";
import type { ServerAddress } from "./server-address.ts";
import { happening } from "./socket-event.ts";
import { encrypted, HandshakeFailure } from "./tls-handshake.ts";
import type { TlsSettings } from "./tls-settings.ts";

export interface Dialled {
  /** The caller destroys it. */
  socket: Socket;
  server: ServerAddress;
}

export interface DialOptions {
  /** @returns the addresses of a host. @throws if there are none. @default the system's */
  addressesOf?: (host: string) => Promise<string[]>;
}

/**
 * Tries the addresses of all servers in order until one accepts the connection.
 *
 * @param timeoutMs for everything together; each attempt gets an equal share of what is left.
 * @throws Error with one clause that says why none of them did.
 */
export async function dial(
  { servers, tls, connectMs }: ArchiveAddress,
  clock: Clock,
  timeoutMs: number,
  { addressesOf = systemAddresses }: DialOptions = {},
): Promise<Dialled> {
  const totalMs = Math.min(timeoutMs, connectMs ?? Infinity);
  return await firstOf(servers, nameOfServer, clock, totalMs, async (server, ms) => {
    const endMs = clock.now() + ms;
    const places = await inTime(clock, ms, () => placesOf(server, addressesOf));
    const socket = await firstOf(places, nameOfServer, clock, endMs - clock.now(), (place, ms) =>
      inTime(clock, ms, (signal) => reach(place, "host" in server ? server.host : "", tls, signal)),
    );
    return { socket, server };
  });
}

/** @throws Error with the reason of the attempt that failed; with all of them, if there are several. */
async function firstOf<Item, Result>(
  items: readonly Item[],
  nameOf: (item: Item) => string,
  clock: Clock,
  ms: number,
  attempt: (item: Item, ms: number) => Promise<Result>,
): Promise<Result> {
  const endMs = clock.now() + ms;
  const failures: { name: string; reason: string; error: unknown }[] = [];
  for (const [index, item] of items.entries()) {
    try {
      return await attempt(item, Math.max((endMs - clock.now()) / (items.length - index), 1));
    } catch (error) {
      failures.push({ name: nameOf(item), reason: postgresReason(error), error });
    }
  }
  const reasons = [...new Set(failures.map(({ reason }) => reason))];
  const message =
    reasons.length > 1 ? failures.map(({ name, reason }) => `${name}: ${reason}`).join("; ") : reasons[0];
  const errors = failures.map(({ error }) => error);
  throw new Error(message, { cause: errors.length > 1 ? new AggregateError(errors, message) : errors[0] });
}

/** @returns the server under each of its host's addresses. */
async function placesOf(
  server: ServerAddress,
  addressesOf: (host: string) => Promise<string[]>,
): Promise<ServerAddress[]> {
  if ("path" in server || isIP(server.host) !== 0) return [server];
  const addresses = await addressesOf(server.host);
  if (addresses.length === 0) throw new Error("the host has no address");
  return addresses.map((host) => ({ host, port: server.port }));
}

async function reach(
  place: ServerAddress,
  host: string,
  tls: TlsSettings,
  signal: AbortSignal,
): Promise<Socket> {
  try {
    return await open(place, host, tls, signal);
  } catch (error) {
    // As in libpq, a handshake that fails is followed by an attempt without TLS where that is allowed.
    if (tls.use !== "if-offered" || !(error instanceof HandshakeFailure)) throw error;
    return await open(place, host, { ...tls, use: "never" }, signal);
  }
}

async function open(
  place: ServerAddress,
  host: string,
  tls: TlsSettings,
  signal: AbortSignal,
): Promise<Socket> {
  const socket = "path" in place ? connect({ path: place.path }) : connect(place);
  // For good: an error without a listener would end the process.
  socket.on("error", () => undefined);
  try {
    await happening(socket, "connect", signal);
    return "path" in place || tls.use === "never" ? socket : await encrypted(socket, host, tls, signal);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function inTime<T>(clock: Clock, ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const deadline = new Deadline(clock);
  return await deadline.within(
    ms,
    work(deadline.signal),
    () => new Error(`no answer within ${Math.round(ms / 100) / 10} s`),
  );
}

async function systemAddresses(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}
