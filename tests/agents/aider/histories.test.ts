/** What a history may hold beyond prompts and answers: quotes, secrets, damage. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { aider, aiderIn } from "../../../src/agents/aider/aider.ts";
import type { WholeSession } from "../../../src/agents/agent.ts";
import { textOf } from "../../../src/session/entries.ts";
import type { MessageEntry } from "../../../src/session/entries.ts";

const HEADER = "\n# aider chat started at 2026-05-01 10:00:00\n\n";
const DOCUMENT = { path: "/home/me/app/.aider.chat.history.md", writtenMs: Date.UTC(2026, 6, 1) };

function read(text: string): WholeSession[] {
  return aider.read(text, DOCUMENT);
}

function messagesOf(session: WholeSession | undefined): MessageEntry[] {
  return (session?.entries ?? []).filter((entry) => entry.kind === "message");
}

/** Texts of prompts. */
function prompts(session: WholeSession | undefined): string[] {
  return messagesOf(session)
    .filter(({ role, isSystem }) => role === "user" && !isSystem)
    .map(({ blocks }) => textOf(blocks));
}

describe("times", () => {
  const HOUR_MS = 3_600_000;
  const startOf = (zoneMs: number, time: string) =>
    aiderIn(() => zoneMs).read(`# aider chat started at ${time}\n#### go  \n`, DOCUMENT)[0]?.facts.startedAt;

  test("are of the zone that is given", () => {
    expect(startOf(0, "2026-05-01 10:00:00")).toBe("2026-05-01T10:00:00.000Z");
    expect(startOf(2 * HOUR_MS, "2026-05-01 10:00:00")).toBe("2026-05-01T08:00:00.000Z");
    expect(startOf(-5 * HOUR_MS, "2026-05-01 22:00:00")).toBe("2026-05-02T03:00:00.000Z");
  });

  test.each(["2026-02-30 10:00:00", "2026-13-01 10:00:00", "2026-05-01 25:00:00", "0001-01-01 00:00:00"])(
    "%s is none, and the run is a session all the same",
    (time) => {
      const earlier = `# aider chat started at ${time}\n#### one  \n${HEADER}#### two  \n`;
      expect(read(earlier).map(({ facts }) => [facts.firstMessage, facts.startedAt === null])).toEqual([
        ["one", true],
        ["two", false],
      ]);
    },
  );
});

describe("quotes", () => {
  test("a fence that is never closed is none: prompts after it count", () => {
    const [session] = read(`${HEADER}#### one  \n\`\`\`py\nx = 1\n\n#### two  \nok\n`);
    expect(prompts(session)).toEqual(["one", "two"]);
  });

  test("a fence is closed only by a bare one of its sign that is as long", () => {
    const fenced = "~~~~md\n```\n#### no  \n~~~\n~~~~ x\n> no  \n~~~~~";
    const [session] = read(`${HEADER}#### one  \n${fenced}\n#### two  \n`);
    expect(prompts(session)).toEqual(["one", "two"]);
    expect(messagesOf(session).map(({ blocks }) => textOf(blocks))).toContain(fenced);
  });

  test("search and replace blocks hold anything", () => {
    const block = "```\n<<<<<<< SEARCH\n#### old  \n=======\n> new  \n>>>>>>> REPLACE\n```";
    const [session] = read(`${HEADER}#### one  \na.md\n${block}\n`);
    expect(messagesOf(session).map(({ blocks }) => textOf(blocks))).toEqual(["one", `a.md\n${block}`]);
  });

  test("no line of a thought is a mark, and its fences end with it", () => {
    const thought = "I could say:\n> Applied edit to x\n#### no  \n```\nand";
    const [session] = read(
      `${HEADER}#### one  \n<thinking-content-7b>\n${thought}\n</thinking-content-7b>\nyes\n\n#### two  \n`,
    );
    expect(prompts(session)).toEqual(["one", "two"]);
    expect(messagesOf(session)[1]?.blocks).toEqual([
      { type: "thinking", text: thought },
      { type: "text", text: "yes" },
    ]);
  });

  test("a thought that was cut off swallows no later prompt", () => {
    const tag = "thinking-content-7b";
    const [session] = read(`${HEADER}#### one  \n<${tag}>\nhm\n\n#### two  \n<${tag}>\nhm\n</${tag}>\nyes\n`);
    expect(prompts(session)).toEqual(["one", "two"]);
  });

  test("marks of thinking are no part of the answer, nor are the lines above them", () => {
    const rule = "-".repeat(14);
    const [session] = read(
      `${HEADER}#### one  \n${rule}\n► **THINKING**\nhm\n---\n${rule}\n► **ANSWER**\nyes\n`,
    );
    expect(messagesOf(session)[1]?.blocks).toEqual([
      { type: "thinking", text: "hm\n---" },
      { type: "text", text: "yes" },
    ]);
  });
});

describe("secrets", () => {
  test.each([
    "--api-key openai=hunter2",
    '--api-key "hunter2 hunter2"',
    "--anthropic-api-key hunter2",
    "--openai-api-key='hunter2'",
    "--set-env MY_SECRET=hunter2",
    "--deepseek-api_key=hunter2",
    "--no-auto-commits --yes --api-key hunter2",
    "--api-key -hunter2",
    "--set-env my_token=hunter2",
  ])("%s are not kept, wherever the program writes them", (secret) => {
    const [session] = read(
      `${HEADER}> /bin/aider --message one\n\ntwo ${secret} --yes  \n> ${secret}  \n\n#### one  \n> Running x ${secret}  \n`,
    );
    expect(prompts(session)).toEqual(["one"]);
    expect(JSON.stringify(session)).not.toContain("hunter2");
  });

  test("other options stay", () => {
    const [session] = read(`${HEADER}> aider --model openai/x --map-tokens 1024 --yes  \n\n#### one  \n`);
    expect(textOf(messagesOf(session)[0]?.blocks ?? [])).toBe(
      "aider --model openai/x --map-tokens 1024 --yes",
    );
  });
});

test("usage of an answer is counted once, with the words for the cache left out", () => {
  const [session] = read(
    `${HEADER}#### one  \nyes\n\n> Tokens: 12k sent, 6k cache write, 3k cache hit, 1.5M received.  \n#### two  \nno\n\n> Tokens: 770 sent, 95 received.  \n`,
  );
  const usage = messagesOf(session).flatMap(({ usage }) => usage ?? []);
  expect(usage.map(({ contextTokens, outputTokens }) => [contextTokens, outputTokens])).toEqual([
    [12_000, 1_500_000],
    [770, 95],
  ]);
});

describe("hostile histories", () => {
  const parts = fc.constantFrom(
    HEADER,
    "#### go  \n",
    "####\n",
    "#### /x  \n",
    "```\n",
    "~~~~py\n",
    "> Applied edit to x  \n",
    "\0\n",
    "<thinking-content-1>\n",
    "</thinking-content-1>\n",
    "► **THINKING**\n",
    "► **ANSWER**\n",
    "text\r\n",
    "> Tokens: 9,.k sent, 1 received.\n",
    "> Running \n",
    "> Model: \n",
    "> \n",
    "\ud800\n",
    "\n",
  );

  test("throw nothing, and give each run an id of its own", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(parts, fc.string()), { maxLength: 40 }), (pieces) => {
        const sessions = read(pieces.join(""));
        expect(new Set(sessions.map(({ id }) => id)).size).toBe(sessions.length);
        for (const session of sessions) expect(prompts(session).length).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });

  test("keep the number of a run whatever is appended after it", () => {
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 20 }), (pieces) => {
        const ids = read(`${HEADER}#### one  \n${pieces.join("")}`).map(({ id }) => id);
        const later = `${pieces.join("")}${HEADER}> aider  \n\n#### new  \n`;
        expect(read(`${HEADER}#### one  \n${later}`).map(({ id }) => id)).toEqual(
          expect.arrayContaining(ids),
        );
      }),
    );
  });

  test.each([
    ["open fences", "```x\n"],
    ["open thoughts", "<thinking-content-1>\n"],
    ["commands and reports", "#### /x  \n> Tokens: 1 sent, 1 received.  \n"],
    ["headers", "# aider chat started at 2026-05-01 10:00:00\n"],
    ["dashes", `> ${"-".repeat(100)}\n`],
  ])("of 200,000 lines of %s take no time to speak of", (_name, piece) => {
    const text = HEADER + piece.repeat(Math.ceil(200_000 / piece.split("\n").length));
    const startedMs = performance.now();
    read(text);
    read(`${HEADER}> ${"-".repeat(1_000_000)} --api-key ${"A".repeat(1_000_000)}  \n#### x  \n`);
    expect(performance.now() - startedMs).toBeLessThan(5000);
  });
});
