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
  const endMs = clock.now() + Math.min(timeoutMs, connectMs ?? Infinity);
  return await firstOf(servers, clock, endMs, async (server, endMs) => {
    const host = "host" in server ? server.host : "";
    const places = await inTime(clock, endMs, () => placesOf(server, addressesOf));
    const socket = await firstOf(places, clock, endMs, (place, endMs) =>
      inTime(clock, endMs, (signal) => reach(place, host, tls, signal)),
    );
    return { socket, server };
  });
}

/** @throws Error with the reason of the attempt that failed; with all of them, if there are several. */
async function firstOf<Result>(
  places: readonly ServerAddress[],
  clock: Clock,
  endMs: number,
  attempt: (place: ServerAddress, endMs: number) => Promise<Result>,
): Promise<Result> {
  const failures: { name: string; reason: string; error: unknown }[] = [];
  for (const [index, place] of places.entries()) {
    const nowMs = clock.now();
    try {
      return await attempt(place, nowMs + (endMs - nowMs) / (places.length - index));
    } catch (error) {
      failures.push({ name: nameOfServer(place), reason: postgresReason(error), error });
    }
  }
  const reasons = [...new Set(failures.map(({ reason }) => reason))];
  const message =
    reasons.length > 1 ? failures.map(({ name, reason }) => `${name}: ${reason}`).join("; ") : reasons[0];
  const errors = failures.map(({ error }) => error);
  throw new Error(message, { cause: errors.length > 1 ? new AggregateError(errors, message) : errors[0] });
}

/** @returns the server at each of its host's addresses. */
async function placesOf(
  server: ServerAddress,
  addressesOf: (host: string) => Promise<string[]>,
): Promise<ServerAddress[]> {
  if ("path" in server || isIP(server.host) !== 0) return [server];
  const addresses = await addressesOf(server.host);
  if (addresses.length === 0) throw new Error("the host has no address");
  return addresses.map((host) => ({ host, port: server.port }));
}

/** @param host whose name the certificate must have, if that is checked. */
async function reach(
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
    // As in libpq, a handshake that fails is followed by an attempt without TLS where that is allowed.
    if (tls.use !== "if-offered" || !(error instanceof HandshakeFailure)) throw error;
    return await reach(place, host, { ...tls, use: "never" }, signal);
  }
}

async function inTime<T>(clock: Clock, endMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const ms = Math.max(endMs - clock.now(), 1);
  const late = (): Error => new Error(`no answer within ${Math.round(ms / 100) / 10} s`);
  const deadline = new Deadline(clock);
  return await deadline.within(ms, work(deadline.signal), late);
}

async function systemAddresses(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}
