/** What every store must do. Run it on each with `storeContract(name, open)`. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Store } from "../../src/watch/ports.ts";

/** An archive that the suite changes as its owner would. */
export interface ArchiveFixture extends AsyncDisposable {
  store: Store;
  /** Adds a session with one user message, last active at `activeAt` (RFC 3339). */
  add(session: { id: string; project: string; activeAt: string }): unknown;
  /** Adds one message to a session. */
  grow(id: string): unknown;
  /** Moves a session to the trash; undefined if the archive has none. */
  trash: ((id: string) => unknown) | undefined;
  /** Ids that the archive cannot hold. */
  impossibleIds?: readonly string[];
}

/** Ids that have caused bugs in programs. */
export const HOSTILE_IDS = [
  "with space",
  "with/slash",
  "per%cent%2Fsign",
  "ünïcödé-会话-🦀",
  "quote'\"quote",
  "new\nline\r\nand return\rend",
  "data: x\n\nevent: fake",
  "nul\0byte",
  "\u2028separator",
  '{"event":"session_updated"}',
  "codex:with-agent",
  "host~codex:remote",
];

export function storeContract(name: string, open: () => ArchiveFixture | Promise<ArchiveFixture>): void {
  describe(`${name} keeps the store contract:`, () => {
    let fixture: ArchiveFixture;
    let store: Store;

    beforeEach(async () => {
      fixture = await open();
      store = fixture.store;
      for (const [index, id] of ["a1", "a2", "b"].entries()) {
        await fixture.add({ id, project: id.slice(0, 1), activeAt: `2026-01-0${index + 1}T00:00:00.000Z` });
      }
    });
    afterEach(() => fixture[Symbol.asyncDispose]());

    test("states() reads a batch, and leaves out missing sessions", async () => {
      const states = await store.states(["b", "a1", "nobody"]);
      expect([...states.keys()].toSorted()).toEqual(["a1", "b"]);
      expect(states.get("b")?.messageCount).toBe(1);
      expect((await store.states([])).size).toBe(0);
    });

    test("states() gives a version that changes with its session only", async () => {
      const before = await store.states(["a1", "b"]);
      await fixture.grow("a1");
      const after = await store.states(["a1", "b"]);
      expect(after.get("a1")?.version).not.toBe(before.get("a1")?.version);
      expect(after.get("b")?.version).toBe(before.get("b")?.version);
    });

    test("gives versions that fit into one line of any protocol", async () => {
      for (const { version } of (await store.states(["a1", "a2", "b"])).values())
        expect(version).toMatch(/^[\w-]{16}$/);
    });

    test("get() and list() agree with states() on a session's version", async () => {
      const version = (await store.states(["a1"])).get("a1")?.version;
      expect((await store.get("a1"))?.version).toBe(version);
      const { sessions } = await store.list();
      expect(sessions.find(({ id }) => id === "a1")?.version).toBe(version);
      expect(await store.get("nobody")).toBeNull();
    });

    test("changes() gives all sessions first, and then at least those that have changed", async () => {
      const first = await store.changes(null);
      expect([first.isComplete, [...first.states.keys()].toSorted()]).toEqual([true, ["a1", "a2", "b"]]);
      const states = await store.states(["a1"]);
      expect(first.states.get("a1")).toEqual(states.get("a1") ?? null);
      expect(first.states.get("a1")).toMatchObject({ project: "a", agent: "claude", machine: "local" });

      await fixture.add({ id: "c", project: "c", activeAt: "2026-01-05T00:00:00.000Z" });
      await fixture.grow("a1");
      await fixture.trash?.("a2");
      const next = await store.changes(first.mark);
      for (const id of ["c", "a1"])
        expect(next.states.get(id)).toEqual((await store.states([id])).get(id) ?? null);
      if (fixture.trash !== undefined) expect(next.states.get("a2") ?? null).toBeNull();
      if (next.isComplete) return;
      expect([...next.states.keys()].toSorted()).toEqual(["a1", "a2", "c"]);
      expect((await store.changes(next.mark)).states.size).toBe(0);
    });

    test("changes() gives all sessions for an unknown mark", async () => {
      const { isComplete, states } = await store.changes("nowhere");
      expect([isComplete, states.size]).toEqual([true, 3]);
    });

    test("revision() changes with every commit, and only then", async () => {
      const before = await store.revision();
      expect(await store.revision()).toBe(before);
      await fixture.grow("a1");
      const after = await store.revision();
      if (after !== null) expect(after).not.toBe(before);
    });

    test("a trashed session is in no answer", async () => {
      if (fixture.trash === undefined) return;
      await fixture.trash("a1");
      expect((await store.states(["a1"])).size).toBe(0);
      expect(await store.get("a1")).toBeNull();
      expect((await store.list()).sessions.map(({ id }) => id)).toEqual(["b", "a2"]);
      expect(await store.idsStartingWith("a", 10)).toEqual(["a2"]);
    });

    test("list() pages through all sessions, newest activity first, without gaps or overlaps", async () => {
      const ids: string[] = [];
      let cursor: string | null | undefined;
      do {
        const page = await store.list({ limit: 2, ...(cursor ? { cursor } : {}) });
        expect(page.total).toBe(3);
        ids.push(...page.sessions.map(({ id }) => id));
        cursor = page.nextCursor;
      } while (cursor !== null);
      expect(ids).toEqual(["b", "a2", "a1"]);
    });

    test("list() filters, and refuses an invalid cursor", async () => {
      const idsOf = async (query: object): Promise<string[]> =>
        (await store.list(query)).sessions.map(({ id }) => id);
      expect(await idsOf({ project: "a" })).toEqual(["a2", "a1"]);
      expect(await idsOf({ activeSince: "2026-01-02T00:00:00.000Z" })).toEqual(["b", "a2"]);
      expect(await idsOf({ agent: "nobody's" })).toEqual([]);
      await expect(store.list({ cursor: "%%%" })).rejects.toMatchObject({ code: "usage" });
    });

    test("idsStartingWith() takes a prefix literally, with or without the agent's name", async () => {
      await fixture.add({ id: "codex:019e", project: "c", activeAt: "2026-01-05T00:00:00.000Z" });
      await fixture.add({ id: "%_", project: "c", activeAt: "2026-01-04T00:00:00.000Z" });
      expect(await store.idsStartingWith("a", 10)).toEqual(["a2", "a1"]);
      expect(await store.idsStartingWith("a", 1)).toEqual(["a2"]);
      expect(await store.idsStartingWith("019", 10)).toEqual(["codex:019e"]);
      expect(await store.idsStartingWith("codex:0", 10)).toEqual(["codex:019e"]);
      expect(await store.idsStartingWith("%", 10)).toEqual(["%_"]);
    });

    test("messages() reads in both directions from an ordinal", async () => {
      await fixture.grow("a1");
      await fixture.grow("a1");
      const ordinals = async (query: object): Promise<unknown[]> =>
        (await store.messages("a1", query)).map(({ ordinal }) => ordinal);
      expect(await ordinals({})).toEqual([0, 1, 2]);
      expect(await ordinals({ from: 1, limit: 1 })).toEqual([1]);
      expect(await ordinals({ direction: "desc", limit: 2 })).toEqual([2, 1]);
      expect(await ordinals({ direction: "desc", from: 1 })).toEqual([1, 0]);
      expect((await store.messages("a1"))[0]).toMatchObject({
        role: "user",
        content: "hello",
        tool_calls: [],
      });
    });

    test("finds a session by any id, however odd", async () => {
      for (const id of HOSTILE_IDS) {
        if (fixture.impossibleIds?.includes(id) === true) {
          expect([id, (await store.states([id])).size, await store.get(id)]).toEqual([id, 0, null]);
          expect([id, await store.idsStartingWith(id, 1), await store.messages(id)]).toEqual([id, [], []]);
          continue;
        }
        await fixture.add({ id, project: "odd", activeAt: "2026-01-05T00:00:00.000Z" });
        expect([id, (await store.states([id])).has(id)]).toEqual([id, true]);
        expect((await store.get(id))?.id).toBe(id);
        expect(await store.idsStartingWith(id, 1)).toEqual([id]);
      }
    });
  });
}
