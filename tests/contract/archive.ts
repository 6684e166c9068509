/** What every archive of our own must do. Run it on each with `archiveContract(name, create)`. */

import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { claudeCode } from "../../src/agents/claude-code/claude-code.ts";
import { codex } from "../../src/agents/codex/codex.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { SyncEngine } from "../../src/sync/engine.ts";
import type { SyncTransaction } from "../../src/watch/archive.ts";
import type { SessionFacts, TranscriptEntry } from "../../src/session/entries.ts";
import { expectSameImage, imageOf } from "../support/archive-image.ts";
import type { Image } from "../support/archive-image.ts";
import { ClaudeTranscript } from "../support/claude.ts";
import { claudeLines } from "../support/claude-lines.ts";
import { codexLines, THREADS } from "../support/codex-lines.ts";
import { settled } from "../support/clock.ts";
import { Dice } from "../support/dice.ts";
import { FollowedHome } from "../support/followed-home.ts";
import { cuts, growing, interleave, turns } from "../support/interleaving.ts";
import { BINARY, Program, seen } from "../support/program.ts";
import { recordedIn, recordingsOf } from "../support/recordings.ts";
import { scaled } from "../support/scale.ts";
import { callOf, FACTS, FILE, message, save, SOURCE } from "../support/saves.ts";
import { Scribe } from "../support/scribe.ts";
import { Workspace } from "../support/workspace.ts";
import type { WritableArchive, Writer } from "../support/writable.ts";

const SYNC_PROCESS = join(import.meta.dir, "../support/sync-process.ts");
/** The exit code after SIGKILL. */
const KILLED = 137;

/** Texts that a database cannot store, or that have a meaning for it. */
const HOSTILE_TEXTS = [
  "nul\0byte",
  "half \ud83d of a pair",
  "other half \udc00",
  "\u0001\u001f\u007f\u2028",
  "quote's \"quote\" \\ back\\\\slash \\' $1 $$ $tag$ -- ; /* ?",
  "\\u0000 \\ud800 as text",
  "x".repeat(3000),
  "\u{1f980}".repeat(3000),
  "",
];

export interface ArchiveContractOptions {
  /** The share (0 to 1) of the random cases that are run. @default 1 */
  share?: number;
}

export function archiveContract(
  name: string,
  create: () => Promise<WritableArchive>,
  options: ArchiveContractOptions = {},
): void {
  const { share = 1 } = options;
  describe(`${name} keeps the archive contract:`, () => {
    let archive: WritableArchive;
    let writer: Writer;

    beforeEach(async () => {
      archive = await create();
      writer = archive.writer();
    });
    afterEach(() => archive[Symbol.asyncDispose]());

    const idsIn = async (): Promise<unknown[]> =>
      (await archive.image())["sessions"]?.map(({ id }) => id) ?? [];

    test("sync() commits what was saved, exactly", async () => {
      await writer.sync("a", save);
      expect(await writer.source("a")).toEqual(SOURCE);
      expect((await writer.syncedTranscripts()).get("a")).toEqual({
        files: [
          { path: "/a.jsonl", token: "t", offset: 10 },
          { path: "/b.jsonl", token: "u", offset: 10 },
        ],
        revision: 3,
      });
      // When a transcript has lost a file, nothing of it stays.
      await writer.sync("a", (transaction) => transaction.save(FACTS, { ...SOURCE, files: [FILE] }));
      expect((await writer.source("a"))?.files).toEqual([FILE]);
      expect((await archive.image())["sessions"]).toMatchObject([{ message_count: 0n, source_token: "t" }]);
    });

    test("source() keeps all 64 bits of a file system's numbers", async () => {
      const large = { ...FILE, inode: 2n ** 64n - 1n, device: 2n ** 63n, offset: 2 ** 52 };
      await writer.sync("a", (transaction) => transaction.save(FACTS, { ...SOURCE, files: [large] }));
      expect((await writer.source("a"))?.files).toEqual([large]);
    });

    test("sync() commits nothing when its work fails or saves nothing, and throws the failure unchanged", async () => {
      const failure = new TypeError("a bug");
      const failing = writer.sync("a", async (transaction) => {
        await save(transaction);
        throw failure;
      });
      await expect(failing).rejects.toBe(failure);
      await writer.sync("b", (transaction) => transaction.write([message("lost")]));
      expect(await idsIn()).toEqual([]);
      // A failure does not hinder later syncs.
      for (const id of ["a", "b"]) await writer.sync(id, save);
      expect(await idsIn()).toEqual(["a", "b"]);
    });

    test("sync() shows uncommitted rows to no reader, not even in its own process", async () => {
      await writer.sync("a", async (transaction) => {
        // More than is held back.
        await transaction.write(Array.from({ length: 20 }, (_, n) => message(`${n}${"x".repeat(300_000)}`)));
        await transaction.save(FACTS, SOURCE);
        expect([(await writer.syncedTranscripts()).size, await writer.source("a"), await idsIn()]).toEqual([
          0,
          null,
          [],
        ]);
      });
      expect(await idsIn()).toEqual(["a"]);
      expect(await archive.expectNoFaults()).toEqual(new Map([["a", 20]]));
    });

    test("sync() rolls back large writes", async () => {
      await writer.sync("a", save);
      const before = await archive.image();
      const failing = writer.sync("a", async (transaction) => {
        await transaction.clear();
        for (let n = 0; n < 10; n += 1) await transaction.write([message(`${n}${"x".repeat(1_000_000)}`)]);
        throw new Error("broken off");
      });
      await expect(failing).rejects.toThrow("broken off");
      expectSameImage(await archive.image(), before);
    });

    test("sync() runs one sync of a session at a time, within and across processes", async () => {
      const other = archive.writer();
      const log: string[] = [];
      const work = (name: string) => async (transaction: SyncTransaction) => {
        log.push(`${name} begins`);
        await transaction.write([message(name)]);
        await transaction.save(FACTS, SOURCE);
        await settled();
        log.push(`${name} ends`);
      };
      await Promise.all(
        Array.from({ length: 12 }, (_, n) => (n % 2 === 0 ? writer : other).sync("a", work(`${n}`))),
      );
      for (let turn = 0; turn < 24; turn += 2)
        expect(log[turn + 1]).toBe(log[turn]?.replace("begins", "ends") ?? "");
      expect(await archive.expectNoFaults()).toEqual(new Map([["a", 12]]));
    });

    test("excluded and trashed sessions are off limits", async () => {
      await writer.sync("trashed", save);
      await archive.change("UPDATE sessions SET deleted_at = '2026-01-01T00:00:00Z'");
      await archive.change("INSERT INTO excluded_sessions VALUES ('excluded')");
      for (const [id, expected] of [
        ["trashed", true],
        ["excluded", true],
        ["other", false],
      ] as const) {
        await writer.sync(id, async ({ isOffLimits }) => expect([id, isOffLimits]).toEqual([id, expected]));
      }
      const offLimits = await writer.offLimits(["excluded", "it's $1 \0 $$ \ud83d", "trashed", "other"]);
      expect(offLimits).toEqual(new Set(["excluded", "trashed"]));
      expect(await writer.offLimits([])).toEqual(new Set());
    });

    test("a session belongs to the machine that has synced it first", async () => {
      await archive.writer("laptop").sync("a", save);
      await archive.writer("laptop").sync("a", save);
      expect((await archive.image())["sessions"]).toMatchObject([{ id: "a", machine: "laptop" }]);
    });

    test("later lines add to earlier messages, whether these are committed or not", async () => {
      const usage = (outputTokens: number) => ({ json: "{}", contextTokens: 3 * outputTokens, outputTokens });
      const entries: TranscriptEntry[] = [
        message("prompt", { key: "p", uuid: "p" }),
        message("one", { key: "m", role: "assistant", usage: usage(100) }),
        message("", { key: "m", role: "assistant", blocks: [callOf("c1"), callOf("c2")], usage: usage(7) }),
        { kind: "tool_result", toolUseId: "c1", content: "first" },
        message("", {
          key: "m",
          role: "assistant",
          blocks: [callOf("c1"), callOf("c3", { category: "Task" })],
        }),
        message("", { key: "m", role: "assistant", blocks: [{ type: "thinking", text: "hm" }] }),
        message("", { key: "m", role: "assistant", blocks: [{ type: "thinking", text: "aha" }] }),
        { kind: "subagent", toolUseId: "c3", sessionId: "child" },
        { kind: "subagent", toolUseId: "c1", sessionId: "no child" },
        { kind: "tool_result", toolUseId: "c1", content: "second" },
        message("next", { uuid: "q", parentUuid: "p" }),
        { kind: "retraction", of: { siblingsOf: { uuid: "r", parentUuid: "p" } } },
        message("again", { uuid: "r", key: "r", parentUuid: "p" }),
        { kind: "retraction", of: { siblingsOf: { uuid: "r", parentUuid: "p" } } },
        { kind: "retraction", of: { uuids: ["p", "nobody's"] } },
        message("last"),
        { kind: "retraction", of: { lastPrompts: 1 } },
        { kind: "retraction", of: { lastPrompts: 0 } },
        message("very last"),
      ];
      await expectPieceByPiece(entries);
      const { messages = [], calls = [], sessions = [] } = await archive.image();
      expect(messages.filter((row) => row["session_id"] === "whole").map((row) => row["content"])).toEqual([
        "prompt",
        "one\n[Bash]\n[Bash]\n[Bash]\n[Thinking]\nhm\n[/Thinking]\n[Thinking]\naha\n[/Thinking]",
        "next",
        "again",
        "last",
        "very last",
      ]);
      expect(calls.filter((row) => row["session_id"] === "whole")).toMatchObject([
        { tool_use_id: "c1", result_content: "second", subagent_session_id: null },
        { tool_use_id: "c2", result_content: null },
        { tool_use_id: "c3", subagent_session_id: "child" },
      ]);
      expect(sessions.find(({ id }) => id === "whole")).toMatchObject({
        message_count: 6n,
        user_message_count: 2n,
        total_output_tokens: 7n,
        peak_context_tokens: 300n,
      });
    });

    test("clear() may be called more than once, and at any time", async () => {
      await writer.sync("a", async (transaction) => {
        await transaction.write([message("old", { key: "k" })]);
        await transaction.save(FACTS, SOURCE);
      });
      await writer.sync("a", async (transaction) => {
        await transaction.write([
          message("one", { key: "k" }),
          { kind: "retraction", of: { lastPrompts: 1 } },
        ]);
        await transaction.clear();
        await transaction.clear();
        await transaction.write([message("x".repeat(5_000_000))]);
        await transaction.clear();
        await transaction.write([message("two", { key: "k" })]);
        await transaction.clear();
        await transaction.write([message("three", { key: "k" })]);
        await transaction.save(FACTS, SOURCE);
      });
      expect((await archive.image())["messages"]).toMatchObject([{ content: "three" }]);
      await archive.expectNoFaults();
    });

    test("a transcript is synced whatever it contains", async () => {
      const numbers = [-1, 0.5, 2 ** 31, 2 ** 53, 1e300, -1e300];
      const times = ["+300000-01-01T00:00:00.000Z", "0000-01-01T00:00:00Z", "infinity", "today", "", "\0"];
      const entries: TranscriptEntry[] = HOSTILE_TEXTS.flatMap((text) => [
        message(text, { key: text, uuid: text, parentUuid: text, model: text, sourceType: text }),
        message(text, { key: text, blocks: [callOf(text, { name: text, input: text, category: "Task" })] }),
        { kind: "tool_result", toolUseId: text, content: text },
        { kind: "subagent", toolUseId: text, sessionId: text },
        { kind: "retraction", of: { uuids: [text] } },
        { kind: "retraction", of: { siblingsOf: { uuid: text, parentUuid: text } } },
      ]);
      for (const number of numbers)
        entries.push(
          message("number", { usage: { json: "{}", contextTokens: number, outputTokens: number } }),
        );
      for (const timestamp of times) entries.push(message("time", { timestamp }));
      for (let round = 0; round < 3; round += 1) {
        await writer.sync("a", async (transaction) => {
          if (round === 2) await transaction.clear();
          await transaction.write(entries);
          for (const text of HOSTILE_TEXTS)
            await transaction.save(
              { ...hostileFacts(text), startedAt: times[round] ?? null },
              { ...SOURCE, parserState: JSON.stringify({ text }) },
            );
        });
      }
      expect((await writer.source("a"))?.parserState).toBe('{"text":""}');
      expect((await archive.image())["messages"]?.length).toBeGreaterThan(HOSTILE_TEXTS.length);
    });

    test("a message may have any number of blocks", async () => {
      const blocks = Array.from({ length: 150_000 }, (_, n) => callOf(`c${n}`));
      const halves = [blocks.slice(0, 1), blocks].map((blocks) => message("", { key: "k", blocks }));
      await writer.sync("a", async (transaction) => {
        await transaction.write(halves);
        await transaction.save(FACTS, SOURCE);
      });
      expect((await archive.image())["calls"]).toHaveLength(blocks.length);
    });

    test("long and odd keys distinguish messages", async () => {
      const keys = ["x".repeat(5000), `${"x".repeat(5000)}y`, "sha256:x", "ünï", "k"];
      await expectPieceByPiece(
        keys.flatMap((key) => ["one", "two"].map((text) => message(text, { key, uuid: key }))),
      );
      expect((await archive.expectNoFaults()).get("whole")).toBe(keys.length);
    });

    test("two engines that sync one transcript at once never double a message", async () => {
      using workspace = new Workspace();
      const transcript = new ClaudeTranscript(workspace.claude).user("0");
      const surroundings = { env: { CLAUDE_CONFIG_DIR: workspace.claude }, home: workspace.folder };
      const other = archive.writer();
      for (let n = 1; n <= 30; n += 1) {
        transcript.user(String(n)).assistant(`re ${n}`, `msg_${Math.ceil(n / 2)}`);
        const engines = [writer, other].map(
          (into) => new SyncEngine(into, [claudeCode], surroundings, { clock: systemClock }),
        );
        await Promise.all(engines.map((engine) => engine.sync(transcript.id)));
      }
      expect(await archive.expectNoFaults()).toEqual(new Map([[transcript.id, 46]]));
      await expectLikeFullImport(workspace);
    });

    test("two processes that sync the same transcripts at once never double a message", async () => {
      using workspace = new Workspace();
      const dice = new Dice(1);
      const scribe = new Scribe(workspace, dice, 500_000);
      for (let round = 0; round < 3; round += 1) {
        for (const { path } of scribe.writings)
          new ClaudeTranscript(workspace.claude, `r${round}`).user(path);
        await using one = started(workspace);
        await using two = started(workspace);
        expect([await one.exit(), await two.exit(), one.stderr, two.stderr]).toEqual([0, 0, "", ""]);
      }
      await expectLikeFullImport(workspace);
    });

    test("killed processes leave a consistent archive", async () => {
      using workspace = new Workspace();
      const dice = new Dice(Math.floor(Math.random() * 2 ** 32));
      const scribe = new Scribe(workspace, dice, 2_000_000);
      scribe.start();
      try {
        for (let deaths = 0; deaths < scaled(15, 6) * share; deaths += 1) {
          const victims = [started(workspace, "forever"), started(workspace, "forever")];
          try {
            await seen(() => victims.every(({ stdout }) => stdout !== ""), 1000);
            // A random moment.
            const until = Date.now() + dice.below(100);
            await seen(() => Date.now() >= until, 1000);
            for (const victim of victims) victim.kill("SIGKILL");
            for (const victim of victims) expect([await victim.ended, victim.stderr]).toEqual([KILLED, ""]);
          } finally {
            for (const victim of victims) await victim[Symbol.asyncDispose]();
          }
          await archive.expectNoFaults();
        }
      } finally {
        await scribe.stop();
      }
      await using last = started(workspace);
      expect([await last.exit(), last.stderr]).toEqual([0, ""]);
      await expectLikeFullImport(workspace);
    }, 120_000);

    for (const agent of [claudeCode, codex]) {
      const recordings = recordingsOf(agent);

      test(`${agent.name}'s recordings give the same rows in pieces as in one full import`, async () => {
        const some = fc.array(fc.tuple(recordedIn(recordings), cuts), { minLength: 1, maxLength: 3 });
        await fc.assert(
          fc.asyncProperty(some, turns, async (some, turns) => {
            await using into = await create();
            await using home = new FollowedHome(agent, { writing: into.writer(), image: () => into.image() });
            const chosen = new Map(some.map(([recording, cuts]) => [recording.id, { recording, cuts }]));
            const writers = [...chosen.values()].flatMap(({ recording, cuts }) =>
              recording.files.map(({ path, bytes, place }) =>
                growing(path, bytes, place.compression === null ? cuts : []),
              ),
            );
            await interleave(home, writers, turns);
            await home.expectLikeFullImport();
            await into.expectNoFaults();
          }),
          { numRuns: Math.ceil(scaled(8, 3) * share) },
        );
      }, 120_000);
    }

    for (const [agent, lines, path] of [
      [claudeCode, claudeLines, ".claude/projects/-home-one/session-1.jsonl"],
      [codex, codexLines, `.codex/sessions/2026/01/01/rollout-2026-01-01T00-00-00-${THREADS[0]}.jsonl`],
    ] as const)
      test(`${agent.name}'s lines in any order give the same rows in pieces as in one full import`, async () => {
        const some = fc.array(lines, { minLength: 1, maxLength: 40, size: "max" });
        await fc.assert(
          fc.asyncProperty(some, cuts, turns, async (some, cuts, turns) => {
            await using into = await create();
            await using home = new FollowedHome(agent, { writing: into.writer(), image: () => into.image() });
            await interleave(home, [growing(path, Buffer.concat(some), cuts)], turns);
            await home.expectLikeFullImport();
            await into.expectNoFaults();
          }),
          { numRuns: Math.ceil(scaled(20, 8) * share) },
        );
      }, 120_000);

    /** Entries give the same session one by one and together, in one sync and in many. */
    async function expectPieceByPiece(entries: readonly TranscriptEntry[]): Promise<void> {
      const saved = (transaction: SyncTransaction): Promise<void> => transaction.save(FACTS, SOURCE);
      await writer.sync("whole", async (transaction) => {
        await transaction.write(entries);
        await saved(transaction);
      });
      await writer.sync("written one by one", async (transaction) => {
        for (const entry of entries) await transaction.write([entry]);
        await saved(transaction);
      });
      for (const entry of entries)
        await writer.sync("synced one by one", async (transaction) => {
          await transaction.write([entry]);
          await saved(transaction);
        });
      await archive.expectNoFaults();
      const image = await archive.image();
      const whole = ofSession(image, "whole");
      for (const id of ["written one by one", "synced one by one"])
        expectSameImage(ofSession(image, id), whole);
    }

    /** The processes have written what one import into SQLite gives. */
    async function expectLikeFullImport(workspace: Workspace): Promise<void> {
      await using full = new Program(
        { ...BINARY, command: [process.execPath, SYNC_PROCESS] },
        [JSON.stringify({ path: workspace.archive, machine: "local" })],
        workspace.env,
      );
      expect([await full.exit(), full.stderr]).toEqual([0, ""]);
      await archive.expectNoFaults();
      expectSameImage(await archive.image(), imageOf(workspace.archive));
    }

    function started(workspace: Workspace, ...mode: string[]): Program {
      const lane = { name: "sync process", command: [process.execPath, SYNC_PROCESS] };
      return new Program(lane, [JSON.stringify(archive.where()), ...mode], workspace.env);
    }
  });
}

function hostileFacts(text: string): SessionFacts {
  const texts = { project: text, cwd: text, title: text, firstMessage: text, parentSessionId: text };
  return { ...FACTS, ...texts, endedAt: text, malformedLines: 2 ** 40 };
}

function ofSession(image: Image, id: string): Image {
  return Object.fromEntries(
    Object.entries(image).map(([table, rows]) => [
      table,
      rows
        .filter((row) => row["session_id"] === id || row["id"] === id)
        .map(({ session_id: _session, id: _id, ...rest }) => rest),
    ]),
  );
}
