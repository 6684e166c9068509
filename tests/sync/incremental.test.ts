import {
  appendFileSync,
  readdirSync,
  readFileSync,
  renameSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { ClaudeTranscript } from "../support/claude.ts";
import { hurriedClock, SyncedArchive } from "../support/synced.ts";
import { Workspace } from "../support/workspace.ts";

const FIXTURES = join(import.meta.dir, "../fixtures/claude/.claude/projects");

/** Only its records are used. */
let writer: ClaudeTranscript;
let records: Workspace;
beforeAll(() => {
  records = new Workspace();
  writer = new ClaudeTranscript(records.claude);
});
afterAll(() => records[Symbol.dispose]());

/** Where to cut, as parts of the whole; true restarts the program before the sync. */
const cuts = fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean()), { maxLength: 12 });

test("syncing after each piece of a transcript ends equal to one full import", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(line(), { maxLength: 25 }), cuts, async (lines, cuts) => {
      await expectLikeFullImport(Buffer.concat(lines), cuts);
    }),
    { numRuns: 150 },
  );
}, 120_000);

test("syncing after each piece of a real recording ends equal to one full import", async () => {
  const recordings = readdirSync(FIXTURES, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".jsonl"))
    .map((path) => join(FIXTURES, path));
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...recordings), cuts, async (path, cuts) => {
      await expectLikeFullImport(readFileSync(path), cuts);
    }),
    { numRuns: 40 },
  );
}, 120_000);

test("whatever is done to a transcript, the archive ends equal to one full import", async () => {
  const change = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("append" as const), line: line() }) },
    fc.record({ kind: fc.constant("truncate" as const), part: fc.double({ min: 0, max: 1, noNaN: true }) }),
    fc.record({ kind: fc.constantFrom("rewrite" as const, "replace" as const), line: line() }),
    fc.record({ kind: fc.constant("move" as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(change, fc.boolean()), { maxLength: 15 }), async (changes) => {
      using workspace = new Workspace();
      const places = [0, 1].map(
        (n) => new ClaudeTranscript(workspace.claude, "session", `-folder-${n}`).path,
      );
      let [path = "", other = ""] = places;
      writeFileSync(path, "");
      await using synced = new SyncedArchive(workspace.archive, workspace.claude, { clock: hurriedClock });
      let seconds = 1;
      for (const [change, restarts] of changes) {
        const bytes = readFileSync(path);
        if (change.kind === "append") appendFileSync(path, change.line);
        if (change.kind === "truncate") truncateSync(path, Math.floor(change.part * bytes.length));
        if (change.kind === "rewrite") writeFileSync(path, Buffer.concat([retouched(bytes), change.line]));
        if (change.kind === "replace") {
          writeFileSync(workspace.path("new"), Buffer.concat([bytes, change.line]));
          renameSync(workspace.path("new"), path);
        }
        if (change.kind === "move") {
          renameSync(path, other);
          [path, other] = [other, path];
        }
        // Two changes within one millisecond that keep the size are beyond what can be seen.
        utimesSync(path, seconds, seconds);
        seconds += 1;
        if (restarts) synced.restart();
        await synced.sync(path);
      }
      await synced.engine.syncAll();
      await expectEqual(workspace, synced);
    }),
    { numRuns: 100 },
  );
}, 120_000);

async function expectLikeFullImport(
  bytes: Uint8Array,
  cuts: [part: number, restarts: boolean][],
): Promise<void> {
  using workspace = new Workspace();
  await using synced = new SyncedArchive(workspace.archive, workspace.claude, { clock: hurriedClock });
  const { path } = new ClaudeTranscript(workspace.claude, "session").write("");
  let done = 0;
  for (const [part, restarts] of [...cuts.sort(([a], [b]) => a - b), [1, true] as const]) {
    const end = Math.floor(part * bytes.length);
    appendFileSync(path, bytes.subarray(done, end));
    done = end;
    if (restarts) synced.restart();
    await synced.sync(path);
  }
  await expectEqual(workspace, synced);
}

/** Every column of every row, the offset and the parser's state included: nothing is left out. */
async function expectEqual(workspace: Workspace, synced: SyncedArchive): Promise<void> {
  await using full = new SyncedArchive(workspace.path("full.db"), workspace.claude, { clock: hurriedClock });
  await full.engine.syncAll();
  const contents = synced.contents();
  // A transcript without any time was created when it was first seen.
  const untimed = (rows: Record<string, unknown>[] = []): unknown[] =>
    rows.map((row) => (row["started_at"] === null ? { ...row, created_at: "" } : row));
  const { sessions, ...rest } = full.contents();
  expect({ ...contents, sessions: untimed(contents["sessions"]) }).toEqual({
    ...rest,
    sessions: untimed(sessions),
  });
}

/** As many bytes, another record in each line that has a branch. */
function retouched(bytes: Buffer): Buffer {
  return Buffer.from(
    bytes.toString("latin1").replaceAll('"gitBranch":"main"', '"uuid":"rewritten"'),
    "latin1",
  );
}

/** A line as it may stand in a transcript; few ids, so that messages, calls and results meet often. */
function line(): fc.Arbitrary<Buffer> {
  const id = fc.constantFrom("1", "2", "3");
  const text = fc.constantFrom("a", "two\nlines", "\u2028", "😀é", "\0", "[Request interrupted by user]", "");
  const record = fc.oneof(
    text.map((text) => writer.userRecord(text)),
    fc
      .tuple(text, id, fc.nat(9))
      .map(([text, id, tokens]) => writer.assistantRecord([{ type: "text", text }], `msg_${id}`, tokens)),
    fc
      .tuple(id, id, text)
      .map(([message, call, command]) =>
        writer.assistantRecord(
          [{ type: "tool_use", id: `toolu_${message}${call}`, name: "Bash", input: { command } }],
          `msg_${message}`,
        ),
      ),
    fc
      .tuple(id, id, text)
      .map(([message, call, content]) =>
        writer.userRecord([{ type: "tool_result", tool_use_id: `toolu_${message}${call}`, content }]),
      ),
    id.map((title) => ({ type: "custom-title", customTitle: title })),
    fc.constant({ type: "mode" }),
  );
  const whole = record.map((record) => JSON.stringify(record));
  // Damage as it was seen in the wild, and the endings of lines.
  const damaged = fc.oneof(
    fc.tuple(whole, whole).map(([first, second]) => first + second),
    fc.tuple(whole, fc.nat(60), whole).map(([first, length, second]) => first.slice(0, length) + second),
    whole.map((text) => `\0\0\0${text}`),
    whole.map((text) => `\ufeff${text}`),
    fc.constantFrom("", "{}", "{", "}", "null", "[1]", " "),
  );
  const content = fc.oneof({ weight: 4, arbitrary: whole }, damaged);
  const ending = fc.oneof({ weight: 6, arbitrary: fc.constant("\n") }, fc.constantFrom("\r\n", "", "\r"));
  const invalid = fc.oneof({ weight: 8, arbitrary: fc.constant([]) }, fc.constant([0xff, 0xe2, 0x82]));
  return fc
    .tuple(content, ending, invalid)
    .map(([text, ending, invalid]) => Buffer.concat([Buffer.from(invalid), Buffer.from(text + ending)]));
}
