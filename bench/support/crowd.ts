/**
 * A process that is many clients of `watch serve`, as light as they can be: a bare socket each. It does what it is told
 * over IPC (see crowd-control.ts) and notes when each client is told of which change.
 */

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Socket } from "bun";
import type { Change } from "./arrivals.ts";
import { nowMs } from "./clock.ts";
import type { Command, ConnectOptions, Delays } from "./crowd-control.ts";
import { DeafClients } from "./deaf-clients.ts";
import { percentile } from "./figures.ts";

/** So many clients connect at the same time. */
const AT_ONCE = 64;
/** How often (ms) it is looked whether all have heard of the last change, and how often that is done. */
const LOOK_MS = 20;
const LOOKS = 1500;

interface Client {
  /** Called with the first bytes, or when there will be none. */
  onAnswer: (error: Error | null) => void;
  /** How many messages the last update told of. */
  messageCount: number;
  /** What came of a frame that is not complete yet. */
  rest: Buffer | null;
}

const KEY = Buffer.from('"message_count":');
const FRAME_END = "\n\n";
const clients = new Set<Socket<Client>>();
const deaf = new DeafClients();
/** When (ms) clients were told of so many messages. */
let arrivals = new Map<number, number[]>();

const handlers = {
  data(socket: Socket<Client>, bytes: Buffer): void {
    const atMs = nowMs();
    const client = socket.data;
    if (client.messageCount < 0) answered(client, bytes);
    note(client, bytes, atMs);
  },
  close(socket: Socket<Client>): void {
    clients.delete(socket);
    socket.data.onAnswer(new Error("the server has closed the connection"));
  },
};

process.on("message", (command: Command) => {
  obey(command).then(
    (answer) => process.send?.({ answer }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});

// Open sockets would keep it alive.
process.on("disconnect", () => process.exit());

async function obey(command: Command): Promise<unknown> {
  switch (command.do) {
    case "connect":
      return connectAll(command);
    case "ignore":
      return deaf.connect(command.port, requestFor(command.path), command.clients);
    case "hang up":
      return deaf.hangUp();
    case "report":
      return report(command.changes);
  }
}

async function connectAll({ port, paths, clients: count, overMs }: ConnectOptions): Promise<void> {
  const startedMs = nowMs();
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      const waitMs = startedMs + (overMs * index) / count - nowMs();
      if (waitMs > 0) await sleep(waitMs);
      await connect(port, paths[index % paths.length] ?? "/");
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** Resolves once the server has answered. */
async function connect(port: number, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onAnswer = (error: Error | null): void => (error === null ? resolve() : reject(error));
  const data: Client = { onAnswer, messageCount: -1, rest: null };
  const socket = await Bun.connect<Client>({ hostname: "127.0.0.1", port, data, socket: handlers });
  clients.add(socket);
  socket.write(requestFor(path));
  await promise;
}

function requestFor(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n`;
}

function answered(client: Client, bytes: Buffer): void {
  const status = bytes.toString("latin1", 0, 12);
  client.onAnswer(status === "HTTP/1.1 200" ? null : new Error(`the server has answered ${status}`));
  client.onAnswer = answeredAlready;
  client.messageCount = 0;
}

function answeredAlready(): void {}

/** Updates coalesce: the last one tells of all before it. */
function note(client: Client, bytes: Buffer, atMs: number): void {
  const text = client.rest === null ? bytes : Buffer.concat([client.rest, bytes]);
  const isComplete = text.subarray(-4).includes(FRAME_END);
  client.rest = isComplete ? null : text;
  const at = isComplete ? text.lastIndexOf(KEY) : -1;
  if (at < 0) return;
  const messageCount = Number.parseInt(text.toString("latin1", at + KEY.length, at + KEY.length + 12), 10);
  // Nothing is known of what came before the first update.
  const first = client.messageCount === 0 ? messageCount : client.messageCount + 1;
  for (let told = first; told <= messageCount; told += 1) arrivalsOf(told).push(atMs);
  client.messageCount = messageCount;
}

function arrivalsOf(messageCount: number): number[] {
  const known = arrivals.get(messageCount);
  if (known !== undefined) return known;
  const none: number[] = [];
  arrivals.set(messageCount, none);
  return none;
}

/** Resolves once every client was told of the last change. */
async function report(changes: readonly Change[]): Promise<Delays> {
  const last = changes.at(-1)?.messageCount ?? 0;
  for (let look = 0; (arrivals.get(last)?.length ?? 0) < clients.size; look += 1) {
    if (look === LOOKS) throw new Error("not every client was told of the last change");
    await sleep(LOOK_MS);
  }
  const delays = changes.map((change) => delaysOf(change));
  arrivals = new Map();
  return {
    firstMs: delays.map((of) => percentile(of, 0)),
    medianMs: delays.map((of) => percentile(of, 0.5)),
    p99Ms: delays.map((of) => percentile(of, 0.99)),
    lastMs: delays.map((of) => percentile(of, 1)),
  };
}

function delaysOf({ messageCount, atMs }: Change): number[] {
  return (arrivals.get(messageCount) ?? []).map((arrivedMs) => arrivedMs - atMs);
}
