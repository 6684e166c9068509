/** Whatever happens in whatever order: no subscriber misses the last state of a session, and none is told it twice. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { DELETED } from "../../src/session/session.ts";
import type { SessionId } from "../../src/session/session.ts";
import { isSessionEvent, versionAfter } from "../../src/session/events.ts";
import type { Cursor } from "../../src/watch/cursor.ts";
import type { Subscription } from "../../src/watch/subscription.ts";
import { POLL_INTERVAL_MS, Watcher } from "../../src/watch/watcher.ts";
import { FakeClock, settled } from "../support/clock.ts";
import { scaled } from "../support/scale.ts";
import { ScriptedStore } from "../support/scripted-store.ts";
import type { Bookkeeping } from "../support/scripted-store.ts";

const IDS = ["a", "b", "c"] as const;

type Event =
  | { do: "write" | "remove"; id: SessionId; hint: "ids" | "any" | "none" }
  | { do: "join"; id: SessionId; since: "nothing" | "current" | "another" }
  | { do: "joinAll"; resume: boolean }
  | { do: "leave"; index: number }
  | { do: "answer" | "late" | "prompt" | "fail" | "recover" | "poll" | "short" | "settle" };

const id = fc.constantFrom(...IDS);
const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom("write" as const, "remove" as const),
      id,
      hint: fc.constantFrom("ids" as const, "any" as const, "none" as const),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("join" as const),
      id,
      since: fc.constantFrom("nothing" as const, "current" as const, "another" as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("joinAll" as const), resume: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("leave" as const), index: fc.nat(5) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom(
        "answer" as const,
        "late" as const,
        "prompt" as const,
        "fail" as const,
        "recover" as const,
        "poll" as const,
        "short" as const,
        "settle" as const,
      ),
    }),
  },
);

/** A client: what it was told by its stream, and what it has found in a list before. */
class Client {
  readonly subscription: Subscription<unknown>;
  readonly follows: readonly SessionId[];
  readonly told = new Map<SessionId, string>();
  readonly listed = new Map<SessionId, string>();
  /** Of all sessions: where a client that comes back in its place goes on. */
  cursor: Cursor | null = null;
  isReady = false;
  hasFailed = false;

  constructor(subscription: Subscription<unknown>, follows: readonly SessionId[]) {
    this.subscription = subscription;
    this.follows = follows;
  }

  take(): void {
    for (let next = this.subscription.take(); next !== undefined; next = this.subscription.take()) {
      const { update, sequence } = next;
      if (!isSessionEvent(update)) continue;
      const version = versionAfter(update);
      // What is deleted, comes back and is deleted again has the same version in the end.
      if (version !== DELETED)
        expect(`${update.data} ${version}`).not.toBe(`${update.data} ${this.told.get(update.data)}`);
      this.told.set(update.data, version);
      if (this.cursor !== null && sequence !== null) this.cursor = { ...this.cursor, sequence };
    }
  }

  /** @returns the version that it takes the session to have. */
  knows(id: SessionId): string {
    return this.told.get(id) ?? this.listed.get(id) ?? DELETED;
  }
}

class World {
  readonly scripted: ScriptedStore;
  readonly clock = new FakeClock();
  readonly watcher: Watcher;
  clients: Client[] = [];
  #left: Client | null = null;

  constructor(bookkeeping: Bookkeeping) {
    this.scripted = new ScriptedStore(bookkeeping);
    for (const present of ["a", "b"]) this.scripted.write(present);
    this.watcher = new Watcher(this.scripted.store, undefined, { clock: this.clock, epoch: "now" });
  }

  async happen(event: Event): Promise<void> {
    switch (event.do) {
      case "write":
      case "remove":
        this.scripted[event.do](event.id);
        if (event.hint === "ids") this.scripted.hint([event.id]);
        if (event.hint === "any") this.scripted.hint(null);
        break;
      case "join":
        this.#join(event);
        break;
      case "joinAll":
        this.#joinAll(event.resume);
        break;
      case "leave":
        this.#leave(event.index);
        break;
      case "answer":
        this.scripted.answer();
        break;
      case "late":
      case "prompt":
        this.scripted.isPrompt = event.do === "prompt";
        break;
      case "fail":
      case "recover":
        this.scripted.isFailing = event.do === "fail";
        break;
      case "poll":
        await this.clock.advance(POLL_INTERVAL_MS);
        break;
      case "short":
        await this.clock.advance(POLL_INTERVAL_MS / 10);
        break;
      case "settle":
        await settled();
    }
    for (const client of this.clients) client.take();
  }

  /** Everything is answered, and every poll that was put off has come. */
  async comeToRest(): Promise<void> {
    this.scripted.isFailing = false;
    this.scripted.isPrompt = true;
    do await settled();
    while (this.scripted.answer());
    for (let poll = 0; poll < 40; poll += 1) {
      await this.clock.advance(POLL_INTERVAL_MS);
      for (const client of this.clients) client.take();
    }
  }

  check(clients: readonly Client[] = this.clients): void {
    for (const client of clients) {
      if (client.hasFailed) continue;
      expect(client.isReady).toBe(true);
      for (const id of client.follows) {
        const version = this.scripted.version(id) ?? DELETED;
        // The feed has never seen a session that came and went between two looks, while a list may have shown it.
        if (version === DELETED && !client.told.has(id)) continue;
        expect([id, client.knows(id)]).toEqual([id, version]);
      }
    }
  }

  #leave(index: number): void {
    const [client] = this.clients.splice(index, 1);
    client?.subscription.close();
    if (client?.isReady === true && client.cursor !== null) this.#left = client;
  }

  #join({ id, since }: Event & { do: "join" }): void {
    const given = since === "current" ? (this.scripted.version(id) ?? DELETED) : "another";
    const subscription = this.watcher.events(id, since === "nothing" ? {} : { since: given });
    const client = this.#enter(subscription, [id]);
    if (since !== "nothing") client.told.set(id, given);
    subscription.ready.then((row) => {
      client.isReady = true;
      if (since === "nothing") client.told.set(id, row?.version ?? DELETED);
    }, failed(client));
  }

  #joinAll(resume: boolean): void {
    const left = resume ? this.#left : null;
    const subscription = this.watcher.eventsOf(
      { sessions: "all", filter: {} },
      left?.cursor == null ? {} : { since: left.cursor },
    );
    const client = this.#enter(subscription, IDS);
    for (const [id, version] of left?.told ?? []) client.told.set(id, version);
    for (const [id, version] of left?.listed ?? []) client.listed.set(id, version);
    subscription.ready.then(({ cursor }) => {
      client.isReady = true;
      client.cursor = left?.cursor ?? cursor;
      if (left !== null) return;
      // What is in the archive at this moment is in a list that it fetches now: only later changes are told for sure.
      for (const id of IDS) client.listed.set(id, this.scripted.version(id) ?? DELETED);
    }, failed(client));
  }

  #enter(subscription: Subscription<unknown>, follows: readonly SessionId[]): Client {
    const client = new Client(subscription, follows);
    this.clients.push(client);
    return client;
  }
}

function failed(client: Client): () => void {
  return () => {
    client.hasFailed = true;
  };
}

describe.each(["log", "scan", "count"] as const)("a feed over an archive with a %s", (bookkeeping) => {
  test("tells the last state to everyone, and nothing twice", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 5, maxLength: 60 }), async (events) => {
        const world = new World(bookkeeping);
        for (const event of events) await world.happen(event);
        await world.comeToRest();
        world.check();
        // Once more, without a notification: nobody has gone deaf, and single sessions wait for the next poll at most.
        for (const id of IDS) world.scripted.write(id);
        await world.happen({ do: "poll" });
        world.check(world.clients.filter(({ follows }) => follows.length === 1));
        await world.comeToRest();
        world.check();
        for (const { subscription } of world.clients) subscription.close();
        expect(world.clock.pending).toBe(0);
      }),
      { numRuns: scaled(500, 200) },
    );
  });
});
