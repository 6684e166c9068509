/** `watch serve` with a third-party client, the npm package eventsource-client. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createEventSource } from "eventsource-client";
import type { EventSourceMessage } from "eventsource-client";
import { HOSTILE_IDS } from "../contract/store.ts";
import { ForeignArchive } from "../support/archives.ts";
import { DENO, LANES, serve, until, within } from "../support/program.ts";
import { Workspace } from "../support/workspace.ts";

let workspace: Workspace;
let archive: ForeignArchive;

beforeEach(() => {
  workspace = new Workspace();
  archive = new ForeignArchive(workspace.path("view.db"));
});
afterEach(() => {
  archive[Symbol.dispose]();
  workspace[Symbol.dispose]();
});

describe.each(LANES)("eventsource-client ($name)", (lane) => {
  test("gets every update with its id, whatever the id of the session", async () => {
    // Deno's node:sqlite ends text at a NUL.
    const ids = HOSTILE_IDS.filter((id) => lane !== DENO || !id.includes("\0"));
    for (const id of ids) archive.add(id);
    const { program, url } = await serve(lane, workspace.env, ["--db", archive.path]);
    await using _program = program;
    for (const id of ids) {
      using bare = new Client(`${url}/api/v1/sessions/${encodeURIComponent(id)}/watch`);
      using json = new Client(`${url}/api/v1/sessions/${encodeURIComponent(id)}/watch?data=json`);
      await Promise.all([bare.greeted, json.greeted]);
      archive.touch(id);
      const event = await bare.next();
      expect(event).toEqual({
        event: "session_updated",
        data: id.replaceAll(/\r\n|\r/g, "\n"),
        id: expect.stringMatching(/^[\w-]{16}$/),
      });
      expect(JSON.parse((await json.next()).data)).toMatchObject({ data: id, version: event.id });
    }
  });

  test("gets the reconnect delay, resumes with the last id, and misses nothing", async () => {
    archive.add("a");
    const first = await serve(lane, workspace.env, ["--db", archive.path]);
    const { port } = new URL(first.url);
    using client = new Client(`${first.url}/api/v1/sessions/a/watch?data=json`);
    await client.greeted;
    archive.touch("a");
    expect(JSON.parse((await client.next()).data)).toMatchObject({ message_count: 2 });
    first.program.kill("SIGTERM");
    // It would reconnect after this time (ms); the test does not wait for it.
    expect(await within(client.retryMs, () => "the end of the stream")).toBeGreaterThanOrEqual(3000);
    expect(await first.program.exit()).toBe(0);
    archive.touch("a");
    const second = await serve(lane, workspace.env, ["--db", archive.path, "--port", port]);
    await using _program = second.program;
    client.reconnect();
    expect(JSON.parse((await client.next()).data)).toMatchObject({ message_count: 3 });
    archive.touch("a");
    expect(JSON.parse((await client.next()).data)).toMatchObject({ message_count: 4 });
  });
});

/** An eventsource-client whose messages (but heartbeats) are read one by one, and which reconnects only on request. */
class Client implements Disposable {
  /** Resolves with the first comment: the server sends every change from then on. */
  readonly greeted: Promise<void>;
  /** Resolves when the connection has ended, with the reconnect delay. */
  readonly retryMs: Promise<number>;
  readonly #source: ReturnType<typeof createEventSource>;
  readonly #messages: EventSourceMessage[] = [];

  constructor(url: string) {
    const greeted = Promise.withResolvers<void>();
    const retry = Promise.withResolvers<number>();
    this.greeted = within(greeted.promise, () => `a comment from ${url}`);
    this.retryMs = retry.promise;
    this.#source = createEventSource({
      url,
      onMessage: (message) => void (message.event !== "heartbeat" && this.#messages.push(message)),
      onComment: () => greeted.resolve(),
      onScheduleReconnect: ({ delay }) => retry.resolve(delay),
      onDisconnect: () => this.#source.close(),
    });
  }

  async next(): Promise<EventSourceMessage> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) return message;
      await until(
        () => this.#messages.length > 0,
        () => "a message",
      );
    }
  }

  reconnect(): void {
    this.#source.connect();
  }

  [Symbol.dispose](): void {
    this.#source.close();
  }
}
