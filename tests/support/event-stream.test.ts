/** The judges of the SSE server, judged by the standard's own examples and by what it says in so many words. */

import { describe, expect, test } from "bun:test";
import { EventStream } from "./event-stream.ts";
import { faultsOf } from "./strict-event-stream.ts";

/** @returns type, data and last event id of each message. */
function read(text: string, pieceSize = Infinity): string[][] {
  return parsed(text, pieceSize).messages.map(({ type, data, lastEventId }) => [type, data, lastEventId]);
}

function parsed(text: string, pieceSize = Infinity): EventStream {
  const stream = new EventStream();
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += pieceSize) stream.feed(bytes.subarray(at, at + pieceSize));
  return stream;
}

describe("EventStream reads the examples of the standard:", () => {
  test("three data lines are one message of three lines", () => {
    expect(read("data: YHOO\ndata: +2\ndata: 10\n\n")).toEqual([["message", "YHOO\n+2\n10", ""]]);
  });

  test("messages without a type, of two lines where there are two", () => {
    const stream =
      "data: This is the first message.\n\ndata: This is the second message, it\ndata: has two lines.\n\n";
    expect(read(stream)).toEqual([
      ["message", "This is the first message.", ""],
      ["message", "This is the second message, it\nhas two lines.", ""],
    ]);
  });

  test("types", () => {
    expect(
      read("event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\nevent: add\ndata: 113411\n\n"),
    ).toEqual([
      ["add", "73857293", ""],
      ["remove", "2153", ""],
      ["add", "113411", ""],
    ]);
  });

  test("a comment, an id, an id that is reset, and a last message that lacks its empty line", () => {
    const stream =
      ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n";
    expect(read(stream)).toEqual([
      ["message", "first event", "1"],
      ["message", "second event", ""],
    ]);
    expect(read(`${stream}\n`).at(-1)).toEqual(["message", " third event", ""]);
    expect(parsed(stream).comments).toEqual([" test stream"]);
  });

  test("fields without a colon, and a last block that is dropped", () => {
    expect(read("data\n\ndata\ndata\n\ndata:")).toEqual([
      ["message", "", ""],
      ["message", "\n", ""],
    ]);
  });

  test("one space after the colon does not count", () => {
    expect(read("data:test\n\ndata: test\n\n")).toEqual([
      ["message", "test", ""],
      ["message", "test", ""],
    ]);
  });
});

describe("EventStream keeps to the text of the standard:", () => {
  test("CR, LF and CRLF end lines, in any mixture and however they are cut", () => {
    const stream = "data:1\r\ndata:2\rdata:3\n\r\ndata:4\r\rdata:5\n\ndata:6\r\n\r\n";
    for (const size of [1, 2, 3, Infinity])
      expect(read(stream, size).map(([, data]) => data)).toEqual(["1\n2\n3", "4", "5", "6"]);
  });

  test("a lone CR ends an event at once", () => {
    expect(read("data:1\r\r")).toEqual([["message", "1", ""]]);
  });

  test("one byte order mark is dropped, a second one is not", () => {
    expect(read("\uFEFFdata:1\n\n", 1)).toEqual([["message", "1", ""]]);
    expect(read("\uFEFF\uFEFFdata:1\n\ndata:2\n\n")).toEqual([["message", "2", ""]]);
  });

  test("a character may be cut anywhere; what is no UTF-8 is replaced", () => {
    for (const size of [1, 2, 3]) expect(read("data:é会🦀\n\n", size)).toEqual([["message", "é会🦀", ""]]);
    const stream = new EventStream();
    stream.feed(Uint8Array.of(...new TextEncoder().encode("data:"), 0xff, 0x0a, 0x0a));
    expect(stream.messages[0]?.data).toBe("\uFFFD");
  });

  test("field names are literal, and unknown ones ignored", () => {
    expect(
      read(
        "data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\ndata:3\rdata:\r\n data:32\ndata:4\n\n",
      ),
    ).toEqual([["message", "\0\n 2\n1\n3\n\n4", ""]]);
  });

  test("U+2028, U+0085, vertical tabs and form feeds end no line", () => {
    expect(read("data:a\u2028b\u0085c\vd\fe\n\n")).toEqual([["message", "a\u2028b\u0085c\vd\fe", ""]]);
  });

  test("a block without data is no event, and its type is forgotten", () => {
    expect(read("event:add\n\ndata:1\n\nevent:\ndata:2\n\n")).toEqual([
      ["message", "1", ""],
      ["message", "2", ""],
    ]);
  });

  test("a block without data moves the last event id all the same, but not before its empty line", () => {
    expect(parsed("id:1\ndata:x\n\nid:2\n\n").lastEventId).toBe("2");
    expect(parsed("id:1\ndata:x\n\nid:2\n").lastEventId).toBe("1");
    expect(read("id:2\n\ndata:x\n\n")).toEqual([["message", "x", "2"]]);
  });

  test("an id stays until another comes; one with a NUL is ignored", () => {
    expect(read("id:1\ndata:a\n\ndata:b\n\nid:2\0\ndata:c\n\nid\ndata:d\n\n").map(([, , id]) => id)).toEqual([
      "1",
      "1",
      "1",
      "",
    ]);
  });

  test("retry is taken if it is digits only", () => {
    for (const bogus of ["1000x", "-1", "1.5", "", "  12", "٣"])
      expect([bogus, parsed(`retry:3000\nretry:${bogus}\n\n`).reconnectionTimeMs]).toEqual([bogus, 3000]);
    expect(parsed("retry: 010\n").reconnectionTimeMs).toBe(10);
    expect(parsed("data: 1\n\n").reconnectionTimeMs).toBeNull();
  });
});

describe("faultsOf()", () => {
  const faults = (text: string): string[] => faultsOf(new TextEncoder().encode(text));

  test("finds none in a good stream, nor in what is still being written", () => {
    expect(faults(": ok\nretry: 3000\n\nid: 1\nevent: add\ndata: {}\n\n:\n\ndata\n\nevent: unfinis")).toEqual(
      [],
    );
    expect(faultsOf(Uint8Array.of(0x3a, 0xf0, 0x9f))).toEqual([]);
  });

  test.each([
    ["\uFEFF: ok\n\n", "it begins with a byte order mark"],
    ["Data: 1\n\n", 'an unknown field: "Data"'],
    ["data: 1\n separator\n\n", 'an unknown field: " separator"'],
    ["event: add\nid: 1\n\n", String.raw`an event without data: "event: add\nid: 1"`],
    ["retry: 3s\n\n", 'a retry that is no number: "3s"'],
    ["retry\n\n", 'a retry that is no number: ""'],
    ["id: a\0b\ndata: 1\n\n", String.raw`an id with a NUL: "a\u0000b"`],
  ])("finds what is wrong with %j", (text, fault) => {
    expect(faults(text)).toContain(fault);
  });

  test("finds bytes that are no UTF-8", () => {
    expect(faultsOf(Uint8Array.of(0x3a, 0xff, 0x0a, 0x0a))).toEqual(["it is not valid UTF-8"]);
  });
});
