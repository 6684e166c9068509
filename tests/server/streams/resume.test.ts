/**
 * Nothing lost, nothing made up: clients lose their connections at any byte, read slowly, come back to the same server or
 * to its successor, while sessions come, change and go. In the end each knows the last version of everything that it
 * follows, and none was told of a change that was none.
 */

import { expect, test } from "bun:test";
import fc from "fast-check";
import { DELETED } from "../../../src/session/session.ts";
import { ForeignArchive } from "../../support/archives.ts";
import { Follower } from "../../support/follower.ts";
import { until } from "../../support/program.ts";
import { OwnArchive } from "../../support/own-archive.ts";
import { Served } from "../../support/served.ts";
import { Workspace } from "../../support/workspace.ts";

/** Long enough that a few updates fill every buffer on the way to a client that does not read. */
const LONG = `long-${"x".repeat(400_000)}`;
const SESSIONS = ["a", "b", "c", "quiet", LONG];
/** None of these is ever written to. */
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

/** What the archive was, from the beginning: which of two states of a session is the later one. */
class History {
  readonly #versions = new Map<string, string[]>();

  note(id: string, version: string): void {
    const versions = this.#versions.get(id) ?? [];
    if (versions.at(-1) !== version) versions.push(version);
    this.#versions.set(id, versions);
  }

  /** @returns the place of this version among all that the session has had; -1 if it never had it. */
  placeOf(id: string, version: string, after: number): number {
    const versions = this.#versions.get(id) ?? [];
    // Deletions look all the same: the next one after what is known is meant.
    return versions.indexOf(version, Math.max(0, after));
  }

  last(id: string): string | undefined {
    return this.#versions.get(id)?.at(-1);
  }
}

/** One client, what it knows, and what it was told wrongly. */
class Client {
  readonly follower: Follower;
  readonly #history: History;
  readonly #sessions: readonly string[] | "all";
  /** The version of each session that it was told last, or that a list said. */
  readonly known = new Map<string, string>();
  readonly #lastTold = new Map<string, number>();
  readonly faults: string[] = [];
  /** It has lost its place, or never had one: only the list can tell what there is. */
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

  /** What the list says is at least as new as what the client was told before. */
  learn(listed: ReadonlyMap<string, string>): void {
    for (const id of new Set([...this.known.keys(), ...listed.keys()]))
      if (this.follows(id)) this.known.set(id, listed.get(id) ?? DELETED);
    this.needsList = false;
  }

  #note({ data: id, version = DELETED }: Told): void {
    const before = this.#lastTold.get(id) ?? -1;
    const place = this.#history.placeOf(id, version, before + 1);
    const short = id.slice(0, 10);
    if (QUIET.has(id)) this.faults.push(`${short} was told, but has never changed`);
    if (!this.follows(id)) this.faults.push(`${short} was told, but is not followed`);
    if (place < 0) this.faults.push(`${short} was told again, or never was so: ${version}`);
    this.#lastTold.set(id, Math.max(place, before));
    this.known.set(id, version);
  }
}

interface Told {
  data: string;
  version?: string;
}

/** Whose archive it is: ours says which sessions have changed, of another one everything has to be read. */
type Kind = "our own archive" | "an agentsview archive";

/** A server, its archive, and the clients; steps are taken one by one. */
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

  /** Everybody comes back, and in the end knows what is so. */
  async expectEverybodyToKnow(): Promise<void> {
    for (const client of this.#clients) {
      client.follower.resume();
      client.follower.disconnectAfter(Infinity);
    }
    const wrong = (): string[] => this.#clients.flatMap((client, index) => this.#wrongWith(client, index));
    await until(
      async () => {
        for (const client of this.#clients) {
          // That a server is gone may be noticed late.
          await this.#connect(client);
          if (client.needsList) client.learn(await this.#list());
        }
        return wrong().length === 0;
      },
      () => `everybody to know: ${wrong().join("; ")}`,
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
      // A session that is deleted cannot be followed by somebody who has never seen it.
      if (!hadPlace && String(error).includes("404")) return;
      throw error;
    }
    // In this order: what changes after the list was read is told.
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
   * Deletes the session if it is there, and adds it otherwise, but never as it was before: between two looks, nobody could
   * tell that it had gone.
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
  "fault 5: over %s, whatever connections and servers go through, everybody knows the last version in the end",
  async (kind) => {
    await fc.assert(
      fc.asyncProperty(steps, async (steps) => {
        await using world = await World.create(kind);
        for (const step of steps) await world.take(step);
        await world.expectEverybodyToKnow();
      }),
      { numRuns: 40, endOnFailure: true },
    );
  },
  120_000,
);
