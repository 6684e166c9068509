import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { aider } from "../../../src/agents/aider/aider.ts";
import type { WholeSession } from "../../../src/agents/agent.ts";
import type { Block, MessageEntry } from "../../../src/session/entries.ts";
import { FIXTURES } from "../../support/recordings.ts";

const WRITTEN_MS = Date.UTC(2026, 6, 1);
const HEADER = "\n# aider chat started at 2026-05-01 10:00:00\n\n";

function recorded(project: string): WholeSession[] {
  const path = join(FIXTURES, "aider/projects", project, ".aider.chat.history.md");
  return aider.read(readFileSync(path, "utf8"), { path, writtenMs: WRITTEN_MS });
}

function read(text: string): WholeSession[] {
  return aider.read(text, { path: "/people/ada/app/.aider.chat.history.md", writtenMs: WRITTEN_MS });
}

function messagesOf(session: WholeSession | undefined): MessageEntry[] {
  return (session?.entries ?? []).filter((entry) => entry.kind === "message");
}

/** `user: text`, `assistant: text`, in order; what the program says is left out. */
function talk(session: WholeSession | undefined): string[] {
  return messagesOf(session)
    .filter(({ isSystem }) => !isSystem)
    .map(({ role, blocks }) => `${role}: ${textIn(blocks)}`);
}

function textIn(blocks: readonly Block[]): string {
  return blocks.flatMap((block) => (block.type === "text" ? [block.text] : [])).join("|");
}

describe("recordings", () => {
  // Counted by hand: prompts, answers, calls, tokens written.
  test.each([
    ["full-lifecycle-toolcall", 1, 1, 1, 225],
    ["model-switch", 2, 2, 0, 139],
    ["multi-turn-conversation", 3, 3, 0, 312],
  ])("%s", (project, prompts, answers, calls, tokens) => {
    const [session] = recorded(project);
    const messages = messagesOf(session).filter(({ isSystem }) => !isSystem);
    expect(messages.filter(({ role }) => role === "user").length).toBe(prompts);
    expect(messages.filter(({ role }) => role === "assistant").length).toBe(answers);
    expect(messages.flatMap(({ blocks }) => blocks).filter(({ type }) => type === "tool_use").length).toBe(
      calls,
    );
    expect(messages.reduce((sum, { usage }) => sum + (usage?.outputTokens ?? 0), 0)).toBe(tokens);
    expect(session?.facts).toMatchObject({ agent: "aider", sourceVersion: "0.86.2" });
  });

  test("a file with three runs has two sessions: a run without a prompt is none, but keeps its number", () => {
    const sessions = recorded("myrepo");
    expect(sessions.map(({ facts }) => facts.firstMessage)).toEqual([
      "add a retry to the webhook",
      "make the timeout configurable",
    ]);
    expect(sessions.map(({ id }) => id.split(":")[2])).toEqual(["1", "2"]);
    expect(read(`${HEADER}\n${HEADER}#### hello  \n`).map(({ id }) => id.split(":")[2])).toEqual(["2"]);
  });

  test("a new model answers from its line on", () => {
    const models = messagesOf(recorded("model-switch")[0]).flatMap(({ model }) => model ?? []);
    expect(models).toEqual(["openai/google/gemma-4-26b-a4b", "openai/gemma-4-e2b-it-uncensored"]);
  });
});

describe("read()", () => {
  test("joins the lines of a prompt, and takes a model's own headings for what they are", () => {
    const [session] = read(`${HEADER}#### one  \n####   \n#### two  \nAnswer\n\n#### A heading\nmore\n`);
    expect(talk(session)).toEqual(["user: one\n\ntwo", "assistant: Answer\n\n#### A heading\nmore"]);
  });

  test("takes nothing in a code fence for a mark, whatever fence it is", () => {
    const fenced =
      "````md\n#### no prompt  \n> no program\n```\n# aider chat started at 2026-05-01 11:00:00\n````";
    const [session, ...others] = read(`${HEADER}#### go  \n${fenced}\ndone\n`);
    expect(talk(session)).toEqual(["user: go", `assistant: ${fenced}\ndone`]);
    expect(others).toEqual([]);
  });

  test("begins a new run even where an answer was cut off in a fence", () => {
    const sessions = read(`${HEADER}#### go  \n\`\`\`py\nx = 1\n${HEADER}> aider --yes  \n\n#### again  \n`);
    expect(sessions.map(({ facts }) => facts.firstMessage)).toEqual(["go", "again"]);
  });

  test("a command is no prompt", () => {
    const [session] = read(
      `${HEADER}#### /add x.py  \n> Added x.py to the chat  \n\n#### !ls  \n\n#### hello  \n`,
    );
    expect(talk(session)).toEqual(["user: hello"]);
    expect(session?.facts.firstMessage).toBe("hello");
  });

  test("edits and commands are calls of the answer before, done when they are said", () => {
    const [session] = read(
      `${HEADER}#### go  \nI will.\n\n> Tokens: 1.2k sent, 6k cache write, 1,225 received. Cost: $0.01 message, $0.02 session.  \n> Applied edit to src/a.ts  \n> Running npm test  \n`,
    );
    const answer = messagesOf(session).find(({ role }) => role === "assistant");
    const calls = answer?.blocks.flatMap((block) => (block.type === "tool_use" ? [block] : []));
    expect(calls?.map(({ category, subject }) => `${category} ${subject}`)).toEqual([
      "Edit src/a.ts",
      "Bash npm test",
    ]);
    expect(answer?.usage).toMatchObject({ contextTokens: 1200, outputTokens: 1225 });
    expect(session?.entries.filter(({ kind }) => kind === "tool_result").length).toBe(2);
  });

  test("knows thoughts by either kind of mark", () => {
    const [session] = read(
      `${HEADER}#### go  \n► **THINKING**\nhm\n► **ANSWER**\nyes\n<thinking-content-1f>\nwell\n</thinking-content-1f>\nno\n`,
    );
    const [, answer] = messagesOf(session);
    expect(answer?.blocks.map((block) => [block.type, "text" in block ? block.text : ""])).toEqual([
      ["thinking", "hm"],
      ["text", "yes"],
      ["thinking", "well"],
      ["text", "no"],
    ]);
  });

  test.each([
    ["--api-key openrouter=sk-or-123456789", "--api-key openrouter=***"],
    ["--openai-api-key=sk-123456789", "--openai-api-key=***"],
    ["--set-env GITHUB_TOKEN=abc", "--set-env GITHUB_TOKEN=***"],
  ])("never keeps %s", (secret, shown) => {
    const [session] = read(`${HEADER}> /bin/aider ${secret} --yes  \n\n#### go  \n`);
    expect(JSON.stringify(session)).toContain(shown);
    expect(JSON.stringify(session)).not.toContain(secret);
  });

  test("only the last run can have been written to lately", () => {
    const [first, last] = read(`${HEADER}#### one  \n${HEADER}#### two  \n`);
    const started = new Date(2026, 4, 1, 10).toISOString();
    expect([first?.facts.startedAt, first?.facts.endedAt]).toEqual([started, started]);
    expect(last?.facts.endedAt).toBe(new Date(WRITTEN_MS).toISOString());
  });
});

test("documents() are in the folders of projects and those above them, within the home folder", () => {
  const found = aider.documents({
    env: {},
    home: "/people/ada",
    folders: ["/people/ada/work/app", "/srv/x"],
  });
  expect(found).toEqual([
    "/people/ada/work/app/.aider.chat.history.md",
    "/people/ada/work/.aider.chat.history.md",
    "/srv/x/.aider.chat.history.md",
  ]);
  const env = { AIDER_CHAT_HISTORY_FILE: "/elsewhere/chat.md" };
  expect(aider.documents({ env, home: "/people/ada", folders: [] })).toEqual(["/elsewhere/chat.md"]);
});
