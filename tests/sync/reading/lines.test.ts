import { truncateSync, writeFileSync, appendFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { chunksOf } from "../../../src/sync/reading/chunks.ts";
import { isLineStart, MAX_LINE_BYTES, mayEndLine, readLines } from "../../../src/sync/reading/lines.ts";
import { Workspace } from "../../support/workspace.ts";

/** More than what is read at once. */
const CHUNK = 256 * 1024;

let workspace: Workspace;
beforeAll(() => {
  workspace = new Workspace();
});
afterAll(() => workspace[Symbol.dispose]());

test("readLines() splits at the byte 0x0A only", async () => {
  const text = '"a\u2028b"\n"c\u2029d"\n"e\u0085f\u000bg"\n';
  expect(await read(text)).toEqual({
    lines: ['"a\u2028b"', '"c\u2029d"', '"e\u0085f\u000bg"'],
    offset: size(text),
  });
});

test("readLines() keeps a half-written last line for the next read", async () => {
  expect(await read('{"a":1}\n{"b":')).toEqual({ lines: ['{"a":1}'], offset: 8 });
});

test("readLines() gives a last line without its newline once it is a complete record", async () => {
  expect(await read('{"a":1}\n{"b":2}')).toEqual({ lines: ['{"a":1}', '{"b":2}'], offset: 15 });
  expect(await read('{"a":1}\n{"b":2}\r')).toEqual({ lines: ['{"a":1}', '{"b":2}'], offset: 15 });
  expect(await read('{"a":1}\n{"b":{"c":2}')).toEqual({ lines: ['{"a":1}'], offset: 8 });
});

test("readLines() reads no further than it is told", async () => {
  expect(await read('{"a":1}\n{"b":2}\n{"c":3}\n', 0, 12)).toEqual({ lines: ['{"a":1}'], offset: 8 });
  expect(await read('{"a":1}\n{"b":2}\n{"c":3}\n', 8, 16)).toEqual({ lines: ['{"b":2}'], offset: 16 });
});

test("readLines() leaves the carriage return of CRLF to JSON, which takes it for a blank", async () => {
  const { lines, offset } = await read('{"a":1}\r\n\r\n{"b":2}\r\n');
  expect(lines.map((line) => line.trim())).toEqual(['{"a":1}', "", '{"b":2}']);
  expect(offset).toBe(20);
});

test("readLines() gives nothing for an empty file, and for one without a line", async () => {
  expect(await read("")).toEqual({ lines: [], offset: 0 });
  expect(await read("x".repeat(3 * CHUNK))).toEqual({ lines: [], offset: 0 });
});

test("readLines() replaces invalid UTF-8, and never takes a newline with it", async () => {
  const bytes = Uint8Array.of(0x22, 0xff, 0x22, 0x0a, 0x22, 0xe2, 0x82, 0x0a, 0x22, 0xf0, 0x9f, 0x0a);
  expect((await read(bytes)).lines).toEqual(['"\ufffd"', '"\ufffd', '"\ufffd']);
});

test("readLines() drops a byte order mark at the start of any line, wherever the read began", async () => {
  const text = '\ufeff{"a":1}\n\ufeff{"b":"\ufeff"}\n';
  expect((await read(text)).lines).toEqual(['{"a":1}', '{"b":"\ufeff"}']);
  expect((await read(text, size('\ufeff{"a":1}\n'))).lines).toEqual(['{"b":"\ufeff"}']);
});

test("readLines() hands on NUL bytes: which of them are damage is for the parser to say", async () => {
  expect((await read('\0\0\0{"a":1}\n{"b":2}\n')).lines).toEqual(['\0\0\0{"a":1}', '{"b":2}']);
});

test("readLines() puts characters together that lie across two chunks", async () => {
  for (let shift = 0; shift < 4; shift += 1) {
    const line = `${"x".repeat(CHUNK - 2 - shift)}😀${"y".repeat(CHUNK)}é`;
    expect((await read(`${line}\nz\n`)).lines).toEqual([line, "z"]);
  }
});

test("readLines() skips a line of more than 64 MiB and counts it, without keeping it", async () => {
  const path = workspace.path("long.jsonl");
  writeFileSync(path, '{"a":1}\n');
  // A hole in the file costs no disk, and reads as NUL bytes.
  truncateSync(path, 4 * MAX_LINE_BYTES);
  appendFileSync(path, '\n{"b":2}\n');
  const before = process.memoryUsage().rss;
  const { lines, offset } = await readFile(path);
  expect(lines).toHaveLength(3);
  expect(lines[0]).toBe('{"a":1}');
  expect(() => JSON.parse(lines[1] ?? "") as unknown).toThrow();
  expect(lines[1]?.length).toBeLessThan(100);
  expect(lines[2]).toBe('{"b":2}');
  expect(offset).toBe(4 * MAX_LINE_BYTES + 9);
  // All of it would be 256 MiB.
  expect(process.memoryUsage().rss - before).toBeLessThan(3 * MAX_LINE_BYTES);
});

test("readLines() takes a line of exactly 64 MiB, and none that is one byte longer", async () => {
  for (const [length, isTaken] of [
    [MAX_LINE_BYTES, true],
    [MAX_LINE_BYTES + 1, false],
  ] as const) {
    const { lines } = await read(`${"x".repeat(length)}\n{}\n`);
    expect([lines[0]?.length === length, lines[1]]).toEqual([isTaken, "{}"]);
  }
});

test("readLines() finds the same lines and offset, whatever is read first", async () => {
  const piece = fc.constantFrom('{"a":1}', "\n", "\r\n", "\u2028", "é", "😀", "\0", "\ufeff", "{", "}", " ");
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 40 }), fc.nat(), async (pieces, at) => {
      const bytes = Buffer.from(pieces.join(""));
      const whole = await read(bytes);
      const first = await read(bytes.subarray(0, at % (bytes.length + 1)));
      const path = workspace.path("property.jsonl");
      writeFileSync(path, bytes);
      await using file = await open(path);
      // What was taken for a line too early has to be noticed: its reader starts over.
      if (first.offset < bytes.length && !(await isLineStart(file, first.offset))) return;
      const second = await readFile(path, first.offset);
      const blank = (line: string): boolean => line.trim() !== "";
      expect([...first.lines, ...second.lines].filter(blank).map((line) => line.trim())).toEqual(
        whole.lines.filter(blank).map((line) => line.trim()),
      );
      expect(Math.max(first.offset, second.offset)).toBe(whole.offset);
    }),
    { numRuns: 500 },
  );
});

test("isLineStart() knows a record that was taken for a whole line before its newline came", async () => {
  for (const [text, isStart] of [
    ['{"a":1}\n{"b":2}', true],
    ['{"a":1}\r\n', true],
    ['{"a":1}\r', true],
    ['{"a":1}{"b":2}\n', false],
    ['{"a":1}\0{"b":2}\n', false],
    ['{"a":1}\rx\n', false],
  ] as const) {
    const path = workspace.path("start.jsonl");
    writeFileSync(path, text);
    await using file = await open(path);
    expect([text, await isLineStart(file, 7)]).toEqual([text, isStart]);
    expect(await isLineStart(file, 0)).toBe(true);
  }
});

test("mayEndLine() sees a newline, and what may be a record's last byte", async () => {
  for (const [text, mayEnd] of [
    ['{"a":1', false],
    ['{"a":1}', true],
    ['{"a":1}\r', true],
    ['{"a":{}, ', false],
    ["x\ny", true],
    ["", false],
  ] as const) {
    const path = workspace.path("unfinished.jsonl");
    writeFileSync(path, `{"begun":${text}`);
    await using file = await open(path);
    expect([text, await mayEndLine(file, 9, 9 + size(text))]).toEqual([text, mayEnd]);
  }
});

interface Read {
  lines: string[];
  offset: number;
}

async function read(content: string | Uint8Array, from = 0, to = Infinity): Promise<Read> {
  const path = workspace.path("transcript.jsonl");
  writeFileSync(path, content);
  return await readFile(path, from, to);
}

async function readFile(path: string, from = 0, to = Infinity): Promise<Read> {
  await using file = await open(path);
  const all: Read = { lines: [], offset: from };
  for await (const { lines, offset } of readLines(chunksOf(file, from, to), from)) {
    all.lines.push(...lines);
    all.offset = offset;
  }
  return all;
}

function size(text: string): number {
  return Buffer.byteLength(text);
}
