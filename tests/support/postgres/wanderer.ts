/**
 * A client that goes from one replica to another: after every end of a connection, however it came, it connects to any of
 * them with what it was told last, and does what the documentation asks of clients. It notes what it was told wrongly.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { DELETED } from "../../../src/session/session.ts";
import type { Dice } from "../dice.ts";
import type { Message } from "../event-stream.ts";
import { Follower } from "../follower.ts";

/** What it follows: one session, some on one connection, or all. */
export type Followed = { one: string } | { some: readonly string[] } | "all";

export interface WandererOptions {
  /** Of the replicas. */
  ports: readonly number[];
  dice: Dice;
  /** Sessions that never change. */
  quiet: ReadonlySet<string>;
}

/** Longest wait (ms) before it connects again. */
const RETURN_MS = 300;
/** Longest life (ms) of a connection that is not ended otherwise. */
const STAY_MS = 15_000;
/** How long (ms) a list may take. */
const LIST_MS = 5000;

/** What a session is, as far as the client knows. */
interface Known {
  version: string;
  /** Null while it is deleted. */
  count: number | null;
}

const GONE: Known = { version: DELETED, count: null };

export class Wanderer {
  /** What it was told wrongly. */
  readonly faults: string[] = [];
  readonly known = new Map<string, Known>();
  connections = 0;
  /** Attempts that were refused, or answered with an error. */
  refusals = 0;
  resets = 0;
  updates = 0;
  /** Updates that were older than what another replica had said before. */
  regressions = 0;
  readonly #followed: Followed;
  readonly #options: WandererOptions;
  readonly #follower: Follower;
  /** The highest count of each session that a stream has told, since the last reset. */
  readonly #told = new Map<string, number>();
  /** What came while the list was being fetched. */
  readonly #waiting: Told[] = [];
  /** Only the list can tell what there is. */
  #needsList: boolean;
  #isFetching = false;
  /** What it came with, and how many resets and updates came since. */
  #visit = { cursor: null as string | null, resets: 0, updates: 0 };
  #port = 0;
  #isBegun = false;
  /** What it was refused last. */
  #trouble = "";
  #isResting = false;
  #isOver = false;

  constructor(followed: Followed, options: WandererOptions) {
    this.#followed = followed;
    this.#options = options;
    this.#needsList = !isOne(followed);
    this.#follower = new Follower(targetOf(followed), (message) => this.#hear(message));
  }

  /** What it still waits for; null if it is connected, and knows everything that it was told. */
  get waitsFor(): string | null {
    if (!this.#follower.isConnected) return `a connection to ${this.#port}, since ${this.#trouble}`;
    if (!this.#isBegun) return `the first bytes from ${this.#port}`;
    return this.#needsList || this.#isFetching ? `a list, since ${this.#trouble}` : null;
  }

  /** @returns the session's version as this client knows it. */
  versionOf(id: string): string {
    if (isOne(this.#followed)) return this.#follower.cursor ?? "unknown";
    return (this.known.get(id) ?? GONE).version;
  }

  follows(id: string): boolean {
    if (this.#followed === "all") return true;
    return isOne(this.#followed) ? this.#followed.one === id : this.#followed.some.includes(id);
  }

  /** Connects, again and again, until `stop()`. */
  async wander(): Promise<void> {
    const { ports, dice } = this.#options;
    while (!this.#isOver) {
      await this.#visitOnce(dice.pick(ports));
      await sleep(dice.below(RETURN_MS));
    }
  }

  stop(): void {
    this.#isOver = true;
    this.#follower.disconnect();
  }

  /** From now on it stays where it is. */
  rest(): void {
    this.#isResting = true;
  }

  async #visitOnce(port: number): Promise<void> {
    this.#visit = { cursor: this.#follower.cursor, resets: 0, updates: 0 };
    this.#port = port;
    this.#isBegun = false;
    try {
      await this.#follower.connect(port);
    } catch (error) {
      this.refusals += 1;
      this.#trouble = String(error);
      if (!String(error).includes("answered 503")) this.faults.push(`connecting: ${String(error)}`);
      return;
    }
    if (!this.#follower.isConnected) {
      this.refusals += 1;
      return;
    }
    this.connections += 1;
    this.#isBegun = true;
    if (this.#needsList) void this.#fetchList();
    const leaveMs = this.#options.dice.below(STAY_MS);
    const leaving = setTimeout(() => {
      if (!this.#isResting) this.#follower.disconnect();
    }, leaveMs);
    await this.#follower.disconnected;
    clearTimeout(leaving);
  }

  #hear({ type, data, lastEventId }: Message): void {
    if (type === "reset") return this.#hearReset(lastEventId);
    if (type !== "session_updated" && type !== "session_deleted") return;
    const told = JSON.parse(data) as Told;
    this.updates += 1;
    this.#visit.updates += 1;
    this.#check(told, lastEventId);
    this.#told.set(told.data, told.message_count ?? this.#told.get(told.data) ?? 0);
    if (this.#needsList || this.#isFetching) this.#waiting.push(told);
    else this.#learn(told);
  }

  #hearReset(lastEventId: string): void {
    const { cursor, resets, updates } = this.#visit;
    this.resets += 1;
    this.#visit.resets += 1;
    if (resets > 0 || updates > 0) this.faults.push(`a reset after ${resets} resets and ${updates} updates`);
    if (cursor === null || epochOf(cursor) === epochOf(lastEventId))
      this.faults.push(`a reset for a cursor of its own: ${cursor}`);
    this.#told.clear();
    this.#waiting.length = 0;
    this.#needsList = true;
    void this.#fetchList();
  }

  #check({ data: id, version = DELETED, message_count: count }: Told, lastEventId: string): void {
    const { cursor, resets } = this.#visit;
    if (!this.follows(id)) this.faults.push(`${id} was told, but is not followed`);
    if (this.#options.quiet.has(id)) this.faults.push(`${id} was told, but has never changed`);
    if (isOne(this.#followed)) {
      if (lastEventId !== version) this.faults.push(`${id} ${version} came with the cursor ${lastEventId}`);
      if (this.known.get(id)?.version === version) this.faults.push(`${id} was told as ${version} again`);
    } else if (resets === 0 && cursor !== null && epochOf(cursor) !== epochOf(lastEventId)) {
      this.faults.push(`an update of another life without a reset: ${cursor}, ${lastEventId}`);
    }
    const before = this.#told.get(id);
    if (count !== undefined && before !== undefined && count <= before)
      this.faults.push(`${id} went back from ${before} to ${count}`);
    const listed = this.known.get(id)?.count;
    if (count !== undefined && typeof listed === "number" && count < listed) this.regressions += 1;
  }

  #learn({ data: id, version, message_count: count }: Told): void {
    this.known.set(id, version === undefined ? GONE : { version, count: count ?? 0 });
  }

  async #fetchList(): Promise<void> {
    if (this.#isFetching) return;
    this.#isFetching = true;
    while (this.#needsList && !this.#isOver) {
      this.#needsList = false;
      const listed = await this.#list().catch((error: unknown) => {
        this.#trouble = String(error);
        return null;
      });
      if (listed === null) {
        this.#needsList = true;
        await sleep(this.#options.dice.below(RETURN_MS));
      } else if (!this.#needsList) {
        this.known.clear();
        for (const [id, known] of listed) this.known.set(id, known);
        for (const told of this.#waiting) this.#learn(told);
        this.#waiting.length = 0;
      }
    }
    this.#isFetching = false;
  }

  /** From any of the replicas: all of them read the same archive. */
  async #list(): Promise<Map<string, Known>> {
    const port = this.#options.dice.pick(this.#options.ports);
    const url = `http://127.0.0.1:${port}/api/v1/sessions`;
    if (this.#followed === "all" || isOne(this.#followed)) {
      const { sessions } = (await getJson(`${url}?limit=1000`)) as { sessions: Summary[] };
      return new Map(sessions.map((session) => [session.id, knownOf(session)]));
    }
    const found = await Promise.all(
      this.#followed.some.map((id) => getJson(`${url}/${id}`) as Promise<Summary | null>),
    );
    return new Map(
      found.filter((session) => session !== null).map((session) => [session.id, knownOf(session)]),
    );
  }
}

interface Told {
  data: string;
  version?: string;
  message_count?: number;
}

interface Summary {
  id: string;
  version: string;
  message_count: number;
}

function knownOf({ version, message_count: count }: Summary): Known {
  return { version, count };
}

/** @returns null where there is no such session. */
async function getJson(url: string): Promise<unknown> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(LIST_MS), headers: { connection: "close" } });
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error(`answered ${answer.status}`);
  return await answer.json();
}

function isOne(followed: Followed): followed is { one: string } {
  return followed !== "all" && "one" in followed;
}

function targetOf(followed: Followed): string {
  if (followed === "all") return "/api/v1/watch?all=true";
  if (isOne(followed)) return `/api/v1/sessions/${followed.one}/watch?data=json`;
  return `/api/v1/watch?${followed.some.map((id) => `session=${id}`).join("&")}`;
}

function epochOf(cursor: string): string {
  return cursor.split(".")[0] ?? "";
}
