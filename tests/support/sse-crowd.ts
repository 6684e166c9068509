/** Many clients of one server, each with the updates and statuses that it got. */

import { connect } from "node:net";
import type { Socket } from "node:net";
import type { SessionId, Version } from "../../src/session/session.ts";
import { EventStream } from "./event-stream.ts";
import type { Message } from "./event-stream.ts";
import { requestOf } from "./raw-http.ts";
import { within } from "./program.ts";

/** A change of the archive's status, and when (ms, of `performance.now()`) a client got it. */
export interface ToldStatus {
  event: "degraded" | "recovered";
  reason: string;
  atMs: number;
}

export class CrowdClient implements Disposable {
  /** The last version that it got of each session. */
  readonly told = new Map<SessionId, Version>();
  readonly statuses: ToldStatus[] = [];
  readonly deleted: SessionId[] = [];
  /** When (ms, of `performance.now()`) it got updates. */
  readonly updatedMs: number[] = [];
  readonly ids: readonly SessionId[];
  /** Why it has stopped reading. */
  ended: string | null = null;
  readonly #socket: Socket;
  readonly #events = new EventStream();
  readonly #opened = Promise.withResolvers<void>();
  #body: Buffer | null = null;
  #rest: Buffer = Buffer.alloc(0);

  private constructor(socket: Socket, ids: readonly SessionId[]) {
    this.#socket = socket;
    this.ids = ids;
    socket.on("data", (bytes: Buffer) => this.#take(bytes));
    socket.on("error", (error) => this.#end(error.message));
    socket.on("close", () => this.#end("the connection was closed"));
  }

  /** @param ids the sessions that it follows. */
  static async open(url: string, path: string, ids: readonly SessionId[]): Promise<CrowdClient> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    const client = new CrowdClient(socket, ids);
    socket.write(requestOf(path));
    await within(client.#opened.promise, () => `the beginning of ${path}`);
    return client;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #end(why: string): void {
    this.ended ??= why;
    this.#opened.reject(new Error(why));
  }

  #take(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    if (this.#body === null) {
      const head = this.#rest.indexOf("\r\n\r\n");
      if (head < 0) return;
      const status = this.#rest.subarray(0, this.#rest.indexOf("\r\n")).toString();
      if (!status.includes(" 200 ")) return this.#end(this.#rest.toString());
      this.#body = Buffer.alloc(0);
      this.#rest = this.#rest.subarray(head + 4);
    }
    for (;;) {
      const line = this.#rest.indexOf("\r\n");
      if (line < 0) return;
      const size = Number.parseInt(this.#rest.subarray(0, line).toString(), 16);
      if (this.#rest.length < line + size + 4) return;
      for (const message of this.#events.feed(this.#rest.subarray(line + 2, line + 2 + size)))
        this.#hear(message);
      if (size > 0) this.#opened.resolve();
      this.#rest = this.#rest.subarray(line + size + 4);
    }
  }

  #hear({ type, data, lastEventId }: Message): void {
    if (type === "session_updated" || type === "session_deleted") {
      // A stream of one session has the bare id as data, and the version as the id of the event.
      const isJson = data.startsWith("{");
      const { data: id, version } = isJson
        ? (JSON.parse(data) as { data: SessionId; version: Version })
        : { data, version: lastEventId };
      if (type === "session_deleted") this.deleted.push(id);
      else this.told.set(id, version);
      this.updatedMs.push(performance.now());
    } else if (type === "degraded" || type === "recovered") {
      const reason = data.startsWith("{") ? (JSON.parse(data) as { data: string }).data : data;
      this.statuses.push({ event: type, reason, atMs: performance.now() });
    }
  }
}

/** How many clients follow one session, some, and all; 50 together. */
const KINDS = { one: 25, some: 15, all: 10 };

/** @returns clients of every kind; those that follow some follow four sessions each. */
export async function openCrowd(url: string, ids: readonly SessionId[]): Promise<CrowdClient[]> {
  const at = (index: number): SessionId => ids[index % ids.length] ?? "";
  const paths: [path: string, ids: readonly SessionId[]][] = [
    ...numbers(KINDS.one).map((index): [string, SessionId[]] => [
      `/api/v1/sessions/${at(index)}/watch${index % 2 === 0 ? "" : "?data=json"}`,
      [at(index)],
    ]),
    ...numbers(KINDS.some).map((index): [string, SessionId[]] => {
      const some = numbers(4).map((more) => at(index + more));
      return [`/api/v1/watch?${some.map((id) => `session=${id}`).join("&")}`, some];
    }),
    ...numbers(KINDS.all).map((): [string, readonly SessionId[]] => ["/api/v1/watch?all=true", ids]),
  ];
  return await Promise.all(paths.map(([path, followed]) => CrowdClient.open(url, path, followed)));
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
