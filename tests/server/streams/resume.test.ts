/**
 * Clients lose their connections at any byte, read slowly, and reconnect to the same server or to its successor, while sessions
 * are added, changed and deleted. In the end each knows the last version of everything that it follows, and no client got an
 * update without a change.
 */

import { expect, test } from "bun:test";
import fc from "fast-check";
import { DELETED } from "../../../src/session/session.ts";
import { ForeignArchive } from "../../support/archives.ts";
import { Follower } from "../../support/follower.ts";
import { until } from "../../support/program.ts";
import { OwnArchive } from "../../support/own-archive.ts";
import { scaled } from "../../support/scale.ts";
import { Served } from "../../support/served.ts";
import { Workspace } from "../../support/workspace.ts";

/** A few updates of it fill every buffer between the server and a client that does not read. */
const LONG = `long-${"x".repeat(400_000)}`;
const SESSIONS = ["a", "b", "c", "quiet", LONG];
/** Nothing writes to these. */
const QUIET = new Set(["quiet"]);
const LATECOMERS = ["late-1", "late-2"];
const PAGE = 200;

type Step =
  | { do: "write" | "delete"; session: number }
  | { do: "add"; latecomer: number }
  | { do: "connect" | "disconnect" | "pause" | "resume"; client: number }
  | { do: "cut"; client: number; afterBytes: number }
  | { do: "restart" }
  | { do: "wait"; ms: number };

/** Every version that the archive has held, in order. */
class History {
  readonly #versions = new Map<string, string[]>();

  note(id: string, version: string): void {
    const versions = this.#versions.get(id) ?? [];
    if (versions.at(-1) !== version) versions.push(version);
    this.#versions.set(id, versions);
  }

  /** @returns the index of this version among those of the session; -1 if it never had it. */
  placeOf(id: string, version: string, after: number): number {
    const versions = this.#versions.get(id) ?? [];
    // All deletions are equal: take the next one.
    return versions.indexOf(version, Math.max(0, after));
  }

  last(id: string): string | undefined {
    return this.#versions.get(id)?.at(-1);
  }
}

/** One client, what it knows, and wrong updates that it got. */
class Client {
  readonly follower: Follower;
  readonly #history: History;
  readonly #sessions: readonly string[] | "all";
  /** The last known version of each session, from an update or the list. */
  readonly known = new Map<string, string>();
  readonly #lastTold = new Map<string, number>();
  readonly faults: string[] = [];
  /** It has no valid cursor, so it needs the list. */
  needsList = true;

  constructor(target: string, sessions: readonly string[] | "all", history: History) {
    this.#history = history;
    this.#sessions = sessions;
    this.follower = new Follower(target, ({ type, data }) => {
      if (type === "reset") this.needsList = true;
      else if (type.startsWith("session_")) this.#note(JSON.parse(data) as Told);
    });
  }

  follows(id: string): boolean {
    return this.#sessions === "all" || this.#sessions.includes(id);
  }

  /** The list is at least as new as what the client got before. */
  learn(listed: ReadonlyMap<string, string>): void {
    for (const id of new Set([...this.known.keys(), ...listed.keys()]))
      if (this.follows(id)) this.known.set(id, listed.get(id) ?? DELETED);
    this.needsList = false;
  }

  #note({ data: id, version = DELETED }: Told): void {
    const before = this.#lastTold.get(id) ?? -1;
    const place = this.#history.placeOf(id, version, before + 1);
    const short = id.slice(0, 10);
    if (QUIET.has(id)) this.faults.push(`${short} was sent, but has never changed`);
    if (!this.follows(id)) this.faults.push(`${short} was sent, but is not followed`);
    if (place < 0) this.faults.push(`${short} was sent again, or never had this version: ${version}`);
    this.#lastTold.set(id, Math.max(place, before));
    this.known.set(id, version);
  }
}

interface Told {
  data: string;
  version?: string;
}

/** Our own archive says which sessions have changed; another one must be read in full. */
type Kind = "our own archive" | "an agentsview archive";

/** A server, its archive, and its clients; takes one step after another. */
class World implements AsyncDisposable {
  readonly #workspace: Workspace;
  readonly #archive: ForeignArchive | OwnArchive;
  readonly #history = new History();
  readonly #clients: Client[];
  #served: Served;
  #additions = 0;

  private constructor(workspace: Workspace, archive: ForeignArchive | OwnArchive) {
    this.#workspace = workspace;
    this.#archive = archive;
    for (const id of SESSIONS) this.#archive.add(id);
    this.#served = new Served(this.#archive.path);
    const one = (id: string): Client =>
      new Client(`/api/v1/sessions/${id}/watch?data=json`, [id], this.#history);
    this.#clients = [
      one("a"),
      one("quiet"),
      new Client("/api/v1/watch?session=a&session=b&session=quiet", ["a", "b", "quiet"], this.#history),
      new Client("/api/v1/watch?all=true", "all", this.#history),
      new Client("/api/v1/watch?all=true&project=demo", "all", this.#history),
    ];
  }

  static async create(kind: Kind): Promise<World> {
    const workspace = new Workspace();
    const path = workspace.path("sessions.db");
    const isOurs = kind === "our own archive";
    return new World(workspace, isOurs ? await OwnArchive.create(path) : new ForeignArchive(path));
  }

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case "write":
        return await this.#write(writable(step.session), (id) => this.#archive.touch(id));
      case "delete":
        return await this.#write(writable(step.session), (id) => this.#toggle(id));
      case "add":
        return await this.#write(LATECOMERS[step.latecomer] ?? "late", (id) => this.#toggle(id));
      case "connect":
        return await this.#connect(this.#client(step.client));
      case "disconnect":
        return this.#client(step.client).follower.disconnect();
      case "cut":
        return this.#client(step.client).follower.disconnectAfter(step.afterBytes);
      case "pause":
        return this.#client(step.client).follower.pause();
      case "resume":
        return this.#client(step.client).follower.resume();
      case "restart":
        await this.#served[Symbol.asyncDispose]();
        this.#served = new Served(this.#archive.path);
        return;
      case "wait":
        await new Promise((resolve) => setTimeout(resolve, step.ms));
    }
  }

  /** Reconnects every client, and waits until each knows the current state. */
  async expectAllToKnow(): Promise<void> {
    for (const client of this.#clients) {
      client.follower.resume();
      client.follower.disconnectAfter(Infinity);
    }
    const wrong = (): string[] => this.#clients.flatMap((client, index) => this.#wrongWith(client, index));
    await until(
      async () => {
        for (const client of this.#clients) {
          // A client may notice late that its server is gone.
          await this.#connect(client);
          if (client.needsList) client.learn(await this.#list());
        }
        return wrong().length === 0;
      },
      () => `all clients to know: ${wrong().join("; ")}`,
    );
    expect(this.#clients.flatMap(({ faults }) => faults)).toEqual([]);
  }

  #wrongWith(client: Client, index: number): string[] {
    return [...SESSIONS, ...LATECOMERS]
      .filter((id) => client.follows(id))
      .filter(
        (id) =>
          (client.known.get(id) ?? DELETED) !== (this.#history.last(id) ?? client.known.get(id) ?? DELETED),
      )
      .map(
        (id) =>
          `client ${index} knows ${id.slice(0, 10)} as ${client.known.get(id)}, not ${this.#history.last(id)}`,
      );
  }

  async #connect(client: Client): Promise<void> {
    const hadPlace = client.follower.cursor !== null;
    try {
      await client.follower.connect(this.#served.port);
    } catch (error) {
      // A client without a cursor cannot follow a deleted session.
      if (!hadPlace && String(error).includes("404")) return;
      throw error;
    }
    // In this order: the stream carries what changes after the list was read.
    if (client.needsList) client.learn(await this.#list());
  }

  async #list(): Promise<Map<string, string>> {
    const { sessions } = await this.#served.store.list({ limit: PAGE });
    return new Map(sessions.map(({ id, version }) => [id, version]));
  }

  async #write(id: string, change: (id: string) => unknown): Promise<void> {
    await this.#remember(id);
    change(id);
    await this.#remember(id);
  }

  async #remember(id: string): Promise<void> {
    this.#history.note(id, (await this.#served.store.get(id))?.version ?? DELETED);
  }

  /**
   * Deletes the session if it exists, and otherwise adds it, never as it was before: a deletion between two polls would be
   * invisible.
   */
  #toggle(id: string): void {
    const { db } = this.#archive;
    db.exec("BEGIN");
    const { changes } = db.prepare("DELETE FROM sessions WHERE id = ?").run(id);
    db.prepare("DELETE FROM messages WHERE session_id = ?").run(id);
    if (changes === 0) {
      this.#archive.add(id);
      this.#additions += 1;
      db.prepare("UPDATE sessions SET message_count = ? WHERE id = ?").run(1000 * this.#additions, id);
    }
    db.exec("COMMIT");
  }

  #client(index: number): Client {
    const client = this.#clients[index % this.#clients.length];
    if (client === undefined) throw new Error("there are clients");
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { follower } of this.#clients) follower.disconnect();
    await this.#served[Symbol.asyncDispose]();
    this.#archive[Symbol.dispose]();
    this.#workspace[Symbol.dispose]();
  }
}

function writable(index: number): string {
  const ids = SESSIONS.filter((id) => !QUIET.has(id));
  return ids[index % ids.length] ?? "a";
}

const client = fc.nat({ max: 4 });
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant("write" as const), session: fc.nat({ max: 3 }) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("delete" as const), session: fc.nat({ max: 3 }) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("add" as const), latecomer: fc.nat({ max: 1 }) }) },
    { weight: 5, arbitrary: fc.record({ do: fc.constant("connect" as const), client }) },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constantFrom("disconnect" as const, "pause" as const, "resume" as const),
        client,
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant("cut" as const), client, afterBytes: fc.nat({ max: 2000 }) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat({ max: 15 }) }) },
  ),
  { minLength: 10, maxLength: 60, size: "max" },
);

test.each<Kind>(["our own archive", "an agentsview archive"])(
  "fault 5: over %s, every client knows the last version in the end, whatever happens to connections and servers",
  async (kind) => {
    await fc.assert(
      fc.asyncProperty(steps, async (steps) => {
        await using world = await World.create(kind);
        for (const step of steps) await world.take(step);
        await world.expectAllToKnow();
      }),
      { numRuns: scaled(40, 15), endOnFailure: true },
    );
  },
  120_000,
);
