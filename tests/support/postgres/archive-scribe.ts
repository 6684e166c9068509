/** A writer of an archive in PostgreSQL that does everything that writers do, while the database comes and goes. */

import { setTimeout as sleep } from "node:timers/promises";
import { ReconnectingConnection } from "../../../src/stores/postgres/connect/reconnecting-connection.ts";
import type { Run, Value } from "../../../src/stores/postgres/sql/statement.ts";
import { systemAddress } from "../../../src/stores/postgres/connect/archive-address.ts";
import type { Dice } from "../dice.ts";
import type { PostgresForeignArchive } from "./foreign-archive.ts";
import { systemClock } from "../../../src/runtime/clock.ts";

/** So many transactions take their time at once, each on a connection of its own. */
const LATE_MAX = 2;
/** How long (ms) such a transaction stays open. */
const LATE_MS = 3000;
/**
 * How long (ms) a session is there at least: one that came and went between two looks of a replica is one of which it can
 * say nothing, even if a list has shown it.
 */
const LIFE_MS = 5000;
/** Longest wait (ms) between two writes. */
const PAUSE_MS = 60;

/** What is done to one session. */
type Change = "touch" | "trash" | "remove";

export class ArchiveScribe {
  /** Statements and transactions that were committed, as far as is known. */
  commits = 0;
  /** Those with an unknown outcome, because the database went away. */
  failures = 0;
  readonly #archive: PostgresForeignArchive;
  readonly #ids: readonly string[];
  readonly #dice: Dice;
  /** postgres.js has transactions of its own, but throws out of nowhere where one loses its connection. */
  readonly #link: ReconnectingConnection;
  readonly #lateLinks: ReconnectingConnection[];
  /** When (ms) each session may go again. */
  readonly #mortalAtMs = new Map<string, number>();
  /** Rows that a transaction holds. */
  readonly #held = new Set<string>();
  /** Each change has a higher one, whatever becomes of it: a session's count says which of its states is the later. */
  #count = 1;
  #lates: Promise<void>[] = [];

  /** @param ids of sessions that it writes, there or not. */
  constructor(archive: PostgresForeignArchive, ids: readonly string[], dice: Dice) {
    this.#archive = archive;
    this.#ids = ids;
    this.#dice = dice;
    for (const id of ids) this.#mortalAtMs.set(id, Infinity);
    const target = systemAddress(archive.url);
    this.#link = new ReconnectingConnection(target, systemClock, { purpose: "scribe" });
    this.#lateLinks = Array.from(
      { length: LATE_MAX },
      () => new ReconnectingConnection(target, systemClock, { purpose: "late scribe" }),
    );
  }

  /** Writes until the signal; resolves when every transaction is over. */
  async write(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#writeOnce();
      await sleep(this.#dice.below(PAUSE_MS));
    }
    await Promise.all(this.#lates);
    for (const link of [this.#link, ...this.#lateLinks]) link.close();
  }

  async #writeOnce(): Promise<void> {
    const dice = this.#dice;
    const style = dice.below(20);
    if (style === 0 && this.#held.size === 0) return await this.#touchAll();
    if (style === 1) return this.#beginLate();
    const changes = this.#someChanges(style < 6 ? 2 + dice.below(15) : 1);
    await this.#attempt(changes, () =>
      style < 6
        ? this.#link.transaction((run) => applyAll(run, changes))
        : applyAll(this.#link.query, changes),
    );
  }

  async #touchAll(): Promise<void> {
    const table = this.#archive.table("sessions");
    const text = `UPDATE ${table} SET message_count = $1::int, updated_at = clock_timestamp() WHERE id LIKE 's%'`;
    await this.#attempt([], () => this.#link.query(text, [this.#nextCount()]));
  }

  /** A transaction that is as old as what others commit before it. */
  #beginLate(): void {
    const link = this.#lateLinks.pop();
    if (link === undefined) return;
    const changes = this.#someChanges(1 + this.#dice.below(4));
    const ids = changes.map(({ id }) => id);
    const lateMs = this.#dice.below(LATE_MS);
    const isGivenUp = this.#dice.chance(0.2);
    for (const id of ids) this.#held.add(id);
    const late = this.#attempt(changes, () =>
      link.transaction(async (run) => {
        await applyAll(run, changes);
        await sleep(lateMs);
        if (isGivenUp) throw new Error("given up");
      }),
    ).finally(() => {
      this.#lateLinks.push(link);
      for (const id of ids) this.#held.delete(id);
      this.#lates = this.#lates.filter((other) => other !== late);
    });
    this.#lates.push(late);
  }

  #someChanges(count: number): Statement[] {
    const free = this.#ids.filter((id) => !this.#held.has(id));
    const chosen = new Set<string>();
    for (let left = count; left > 0; left -= 1) chosen.add(this.#dice.pick(free));
    // In their order: two transactions that wait for each other would be both at fault.
    return [...chosen].toSorted().map((id) => this.#statement(id));
  }

  #statement(id: string): Statement {
    const nowMs = performance.now();
    const isMortal = (this.#mortalAtMs.get(id) ?? 0) < nowMs;
    const change: Change =
      isMortal && this.#dice.chance(0.3) ? this.#dice.pick(["trash", "remove"]) : "touch";
    // What has gone may be there again with the next change.
    if (change !== "touch") this.#mortalAtMs.set(id, Infinity);
    else if (this.#mortalAtMs.get(id) === Infinity) this.#mortalAtMs.set(id, nowMs + LATE_MS + LIFE_MS);
    const table = this.#archive.table("sessions");
    if (change === "remove") return { id, text: `DELETE FROM ${table} WHERE id = $1`, values: [id] };
    const deletedAt = change === "trash" ? "now()" : "NULL";
    return {
      id,
      text: `INSERT INTO ${table} AS kept (id, machine, project, agent, message_count, deleted_at, updated_at)
        VALUES ($1, 'laptop', 'demo', 'claude', $2::int, ${deletedAt}, clock_timestamp())
        ON CONFLICT (id) DO UPDATE SET message_count = $2::int, deleted_at = ${deletedAt}, updated_at = clock_timestamp()`,
      values: [id, this.#nextCount()],
    };
  }

  #nextCount(): number {
    this.#count += 1;
    return this.#count;
  }

  async #attempt(changes: readonly Statement[], write: () => Promise<unknown>): Promise<void> {
    try {
      await write();
      this.commits += 1;
    } catch {
      // The database is away, or was before it could answer; or the transaction was given up.
      this.failures += 1;
      // Their outcome is unknown.
      for (const { id } of changes) this.#mortalAtMs.set(id, Infinity);
    }
  }
}

interface Statement {
  id: string;
  text: string;
  values: Value[];
}

async function applyAll(run: Run, statements: readonly Statement[]): Promise<void> {
  for (const { text, values } of statements) await run(text, values);
}
