import { describe, expect, test } from "bun:test";
import {
  manyAsLines,
  manyAsSse,
  oneAsLines,
  oneAsSse,
  scopesAsSse,
} from "../../../src/server/streams/formats.ts";
import { eventFor } from "../../../src/session/events.ts";
import { HOSTILE_IDS } from "../../contract/store.ts";
import { delivered, updated } from "../../support/deliveries.ts";

const NOW_MS = Date.UTC(2026, 0, 1);
const JSON_OF_ABC =
  '{"event":"session_updated","data":"abc","version":"v1","message_count":1,"at":"2026-01-01T00:00:00.000Z"}';

function text(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : new TextDecoder().decode(bytes);
}

describe("oneAsSse()", () => {
  test("writes the frames of the contract, byte for byte", () => {
    const [bare, json] = [oneAsSse("id"), oneAsSse("json")];
    const update = delivered(updated("abc", "v1"), 7);
    expect(text(bare.frame(update))).toBe("id: v1\nevent: session_updated\ndata: abc\n\n");
    expect(text(json.frame(update))).toBe(`id: v1\nevent: session_updated\ndata: ${JSON_OF_ABC}\n\n`);
    expect(text(bare.frame(delivered(eventFor("abc", null, null, 0), 8)))).toBe(
      "id: deleted\nevent: session_deleted\ndata: abc\n\n",
    );
    expect(text(bare.frame(delivered({ event: "degraded", data: "why" })))).toBe(
      "event: degraded\ndata: why\n\n",
    );
    for (const format of [bare, json])
      expect(text(format.heartbeat(NOW_MS))).toBe("event: heartbeat\ndata: 2026-01-01T00:00:00Z\n\n");
  });

  test("begins with the client's position in a heartbeat, so that no block is without an event", () => {
    expect(text(oneAsSse("id").opening("v1", NOW_MS))).toBe(
      ": ok\nretry: 3000\nid: v1\nevent: heartbeat\ndata: 2026-01-01T00:00:00Z\n\n",
    );
  });

  test("sends a comment as one line: an empty line after it would be an empty message to httpx-sse", () => {
    expect(text(oneAsSse("id").comment)).toBe(":\n");
  });

  test("writes no id that breaks a frame", () => {
    const [bare, json] = [oneAsSse("id"), oneAsSse("json")];
    for (const id of HOSTILE_IDS) {
      const update = delivered(updated(id), 1);
      // The standard has three line ends.
      const lines = text(bare.frame(update))?.split(/\r\n|\r|\n/) ?? [];
      expect(lines.slice(-2)).toEqual(["", ""]);
      expect(lines.slice(0, -2).every((line) => /^(id: v$|event: session_updated$|data: )/.test(line))).toBe(
        true,
      );
      const data = lines
        .filter((line) => line.startsWith("data: "))
        .map((line) => line.slice("data: ".length));
      expect(data.join("\n")).toBe(id.replaceAll(/\r\n|\r/g, "\n"));
      expect(text(json.frame(update))?.split("\n").length).toBe(5);
    }
  });

  test("encodes an update once for all clients", () => {
    const update = delivered(updated("abc"), 1);
    for (const format of [oneAsSse("id"), oneAsSse("json")])
      expect(format.frame(update)).toBe(format.frame(update));
  });

  test("spreads the reconnects of clients when the server stops", () => {
    const waits = Array.from(
      { length: 20 },
      () => /retry: (\d+)/.exec(text(oneAsSse("id").farewell()) ?? "")?.[1],
    );
    expect(waits.every((wait) => Number(wait) >= 3000 && Number(wait) < 6000)).toBe(true);
    expect(new Set(waits).size).toBeGreaterThan(1);
  });
});

describe("manyAsSse()", () => {
  test("writes JSON, and the epoch and sequence as id", () => {
    const format = manyAsSse("e");
    expect(text(format.frame(delivered(updated("abc", "v1"), 7)))).toBe(
      `id: e.7\nevent: session_updated\ndata: ${JSON_OF_ABC}\n\n`,
    );
    expect(text(format.frame(delivered({ event: "recovered", data: "x" })))).toBe(
      'event: recovered\ndata: {"event":"recovered","data":"x"}\n\n',
    );
  });

  test("leaves a client whose cursor has no meaning at that cursor, until it has the reset", () => {
    expect(text(manyAsSse("e").opening("old.5", NOW_MS, { reason: "why", cursor: "e.9" }))).toBe(
      ": ok\nretry: 3000\nid: old.5\nevent: heartbeat\ndata: 2026-01-01T00:00:00Z\n\n" +
        'id: e.9\nevent: reset\ndata: {"event":"reset","data":"why"}\n\n',
    );
  });
});

describe("lines", () => {
  test("are events as JSON, with a cursor where they move it", () => {
    const update = delivered(updated("abc", "v1"), 7);
    expect(text(oneAsLines().frame(update))).toBe(`${JSON_OF_ABC.slice(0, -1)},"cursor":"v1"}\n`);
    expect(text(oneAsLines().frame(delivered(eventFor("abc", null, null, 0), 8)))).toBe(
      '{"event":"session_deleted","data":"abc","at":"1970-01-01T00:00:00.000Z","cursor":"deleted"}\n',
    );
    expect(text(oneAsLines().frame(delivered({ event: "degraded", data: "why" })))).toBe(
      '{"event":"degraded","data":"why"}\n',
    );
    expect(text(manyAsLines("e").frame(update))).toBe(`${JSON_OF_ABC.slice(0, -1)},"cursor":"e.7"}\n`);
  });

  test("begin with a heartbeat, or with a reset", () => {
    expect(text(oneAsLines().opening("v1", NOW_MS))).toBe(
      '{"event":"heartbeat","data":"2026-01-01T00:00:00Z","cursor":"v1"}\n',
    );
    expect(text(manyAsLines("e").opening("old.5", NOW_MS, { reason: "why", cursor: "e.9" }))).toBe(
      '{"event":"reset","data":"why","cursor":"e.9"}\n',
    );
  });

  test("have no comments: every line is an event", () => {
    expect([oneAsLines().comment, oneAsLines().farewell()]).toEqual([null, null]);
  });
});

test("scopesAsSse() writes what agentsview's pages expect", () => {
  expect(text(scopesAsSse("e").frame({ scope: "sessions", sequence: 3, noticedMs: 0 }))).toBe(
    'id: e.3\nevent: data_changed\ndata: {"scope":"sessions"}\n\n',
  );
});
