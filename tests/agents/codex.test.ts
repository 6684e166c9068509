import { readFileSync } from "node:fs";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Parsed, TranscriptPlace } from "../../src/agents/agent.ts";
import { codex } from "../../src/agents/codex.ts";
import type { Block, MessageEntry } from "../../src/watch/transcript.ts";
import {
  answer,
  call,
  event,
  header,
  item,
  linesOf,
  output,
  prompt,
  tokens,
  turnContext,
} from "../support/codex.ts";
import type { CodexRecord } from "../support/codex.ts";

const FIXTURES = join(import.meta.dir, "../fixtures/codex");

/** Counted from the JSON lines by a script that knows no parser. */
interface Facts {
  files: string[];
  header: {
    source_session_id: string;
    cwd: string | null;
    git_branch: string | null;
    cli_version: string | null;
    parent: string | null;
    relationship: string | null;
  };
  started_at: string | null;
  ended_at: string | null;
  typed_prompts: number;
  first_prompt: string | null;
  assistant_texts: number;
  reasoning_with_text: number;
  /** By the item's type and the tool's name. */
  tool_calls: Record<string, number>;
  results: number;
  calls_without_result: string[];
  compactions: number;
  /** What the thread itself has used. */
  tokens: Record<string, number>;
  models: string[];
  malformed_lines: number;
}

const expected = JSON.parse(readFileSync(join(FIXTURES, "expected.json"), "utf8")) as Record<string, Facts>;

describe("real recordings", () => {
  for (const [id, facts] of Object.entries(expected)) {
    test(`parse() reads ${id} as it was recorded`, () => {
      const parsed = parseFiles(facts.files);
      expect(parsed.state.facts).toMatchObject({
        agent: "codex",
        cwd: facts.header.cwd,
        gitBranch: facts.header.git_branch,
        sourceSessionId: facts.header.source_session_id,
        sourceVersion: facts.header.cli_version,
        parentSessionId: facts.header.parent,
        relationshipType: facts.header.relationship,
        startedAt: facts.started_at,
        endedAt: facts.ended_at,
        malformedLines: facts.malformed_lines,
      } as Partial<Parsed["state"]["facts"]>);
      const firstMessage = parsed.state.facts.firstMessage;
      expect(firstMessage?.slice(0, facts.first_prompt?.length) ?? null).toBe(facts.first_prompt);

      const messages = messagesOf(parsed);
      const count = (is: (message: MessageEntry) => boolean): number => messages.filter(is).length;
      expect(count(({ role, isSystem }) => role === "user" && !isSystem)).toBe(facts.typed_prompts);
      expect(count(({ role, sourceType }) => role === "assistant" && sourceType === "message")).toBe(
        facts.assistant_texts,
      );
      expect(count(({ blocks }) => blocks.some(({ type }) => type === "thinking"))).toBe(
        facts.reasoning_with_text,
      );
      expect(count(({ isCompactBoundary }) => isCompactBoundary)).toBe(facts.compactions);
      const models = new Set(messages.flatMap(({ model }) => model ?? []));
      expect([...models].filter((model) => !facts.models.includes(model))).toEqual([]);

      const calls = messages.flatMap(({ sourceType, blocks }) =>
        callsIn(blocks).map(({ name }) => `${sourceType}:${name}`),
      );
      expect(countBy(calls)).toEqual(facts.tool_calls);
      const results = parsed.entries.flatMap((entry) =>
        entry.kind === "tool_result" ? entry.toolUseId : [],
      );
      expect(results).toHaveLength(facts.results);
      const open = messages.flatMap(({ blocks }) => callsIn(blocks).map(({ id }) => id));
      expect(open.filter((id) => !results.includes(id))).toEqual(facts.calls_without_result);
      for (const message of messages)
        for (const { input } of callsIn(message.blocks)) expect(() => JSON.parse(input)).not.toThrow();

      expect(usageOf(messages)).toEqual(facts.tokens);
      const outputTokens = messages.reduce((sum, { usage }) => sum + (usage?.outputTokens ?? 0), 0);
      expect(outputTokens).toBe(facts.tokens["output_tokens"] ?? 0);
    });
  }

  test("parse() gives each assistant message a key of its own", () => {
    for (const { files } of Object.values(expected)) {
      const added = parseFiles(files).entries.filter(
        (entry) => entry.kind === "message" && entry.role === "assistant" && entry.blocks.length > 0,
      );
      const keys = added.map((entry) => (entry.kind === "message" ? entry.key : null));
      expect(keys).not.toContain(null);
      expect(new Set(keys).size).toBe(keys.length);
    }
  });

  test("parse() keeps a bounded state", () => {
    for (const { files } of Object.values(expected))
      expect(JSON.stringify(parseFiles(files).state.memory).length).toBeLessThan(1000);
  });

  test("parse() takes back the prompts of a rollback", () => {
    const files = expected["codex:01a0f000-0000-7000-8000-000000000001"]?.files ?? [];
    expect(retractionsOf(parseFiles(files))).toEqual([{ lastPrompts: 2 }]);
  });

  test("parse() takes back the prompts that the thread's next file leaves out", () => {
    const files = expected["codex:01a0f000-0000-7000-8000-000000000003"]?.files ?? [];
    expect(retractionsOf(parseFiles(files))).toEqual([{ lastPrompts: 1 }]);
  });

  test("parse() shows a question to the user as a call that is open", () => {
    const files = expected["codex:01a0f000-0000-7000-8000-000000000002"]?.files ?? [];
    expect(callsOf(parseFiles(files))).toMatchObject([
      { name: "request_user_input", category: "Tool", subject: "A bell or a gong?" },
    ]);
  });

  test("parse() marks the turn that was interrupted", () => {
    const files = expected["codex:019e3293-eaed-75c1-ae74-5b96bc3076f0"]?.files ?? [];
    const system = messagesOf(parseFiles(files)).filter(({ isSystem }) => isSystem);
    expect(system.map(({ sourceSubtype }) => sourceSubtype)).toEqual(["interrupted"]);
  });
});

describe("placeOf()", () => {
  const thread = "01a0f000-0000-7000-8000-000000000001";
  const name = `rollout-2026-10-01T01-00-00-${thread}`;
  const place = { id: `codex:${thread}`, parentId: null, isSubagent: false, part: "", compression: null };

  test("names a session after the thread in the file's name, at any depth", () => {
    expect(codex.placeOf(`${name}.jsonl`)).toEqual(place);
    expect(codex.placeOf(`2026/10/01/${name}.jsonl`)).toEqual(place);
  });

  test("knows compressed files", () => {
    expect(codex.placeOf(`2026/10/01/${name}.jsonl.zst`)).toEqual({ ...place, compression: "zstd" });
  });

  test("puts the files of a thread in order", () => {
    const windows = ["_2", "", "_10", "_1"];
    const parts = windows.map((window) => codex.placeOf(`${name}${window}.jsonl`));
    expect(parts.map((part) => part?.id)).toEqual(windows.map(() => place.id));
    const sorted = parts.map((part) => part?.part ?? "?").sort();
    expect(sorted.map(Number)).toEqual([0, 1, 2, 10]);
    // Newer versions give each file an id of its own, which begins with its time.
    const other = "01a0f111-0000-7000-8000-000000000001";
    expect(codex.placeOf(`${name}_${other}.jsonl`)).toEqual({ ...place, part: other });
  });

  test("passes by what is no rollout", () => {
    for (const path of [
      "rollout-compress-1234.tmp",
      `2026/10/01/rollout-compress-${thread}.tmp`,
      `${name}.jsonl.tmp`,
      `${name}.json`,
      `${thread}.jsonl`,
      "rollout-2026-10-01T01-00-00-backup.jsonl",
      "history.jsonl",
      "",
    ])
      expect(codex.placeOf(path)).toBeNull();
  });
});

describe("roots()", () => {
  test("are the folders of active and of archived threads, in the configured home or the default", () => {
    const home = "/home/x";
    expect(codex.roots({ env: { CODEX_HOME: "/elsewhere" }, home })).toEqual([
      "/elsewhere/sessions",
      "/elsewhere/archived_sessions",
    ]);
    expect(codex.roots({ env: { CODEX_HOME: "" }, home })).toEqual([
      "/home/x/.codex/sessions",
      "/home/x/.codex/archived_sessions",
    ]);
  });
});

describe("parse(), headers", () => {
  test("links a subagent to the thread that has spawned it, also if it was forked from another", () => {
    const source = { subagent: { thread_spawn: { parent_thread_id: "parent", depth: 1 } } };
    for (const fields of [{ source }, { parent_thread_id: "parent", forked_from_id: "other" }])
      expect(parse([header(THREAD, fields)]).state.facts).toMatchObject({
        parentSessionId: "codex:parent",
        relationshipType: "subagent",
        isAutomated: false,
      });
  });

  test("knows the program's own helpers", () => {
    for (const subagent of ["review", { other: "guardian" }])
      expect(parse([header(THREAD, { source: { subagent } })]).state.facts).toMatchObject({
        relationshipType: "subagent",
        isAutomated: true,
      });
  });

  test("takes the first header for the thread's own", () => {
    const parent = header("parent", { cwd: "/elsewhere", cli_version: "0.1.0", git: { branch: "other" } });
    const { facts } = parse([header(THREAD), parent, header(THREAD, { cwd: "/late" })]).state;
    expect(facts).toMatchObject({ gitBranch: "main", sourceVersion: "0.130.0", project: "demo_app" });
  });

  test("takes the folder of the first turn where the header names none", () => {
    const { facts } = parse([header(THREAD, { cwd: undefined }), turnContext("m")]).state;
    expect(facts).toMatchObject({ cwd: "/home/someone/projects/demo-app", project: "demo_app" });
  });

  test("takes the thread's own name, not that of the parent whose lines were copied", () => {
    const named = (thread_id: string, thread_name: string): CodexRecord =>
      event("thread_name_updated", { thread_id, thread_name });
    const { facts } = parse([named(THREAD, "mine"), named("parent", "theirs")]).state;
    expect(facts.displayName).toBe("mine");
  });
});

describe("parse(), messages", () => {
  test("drops what only sets the stage, and keeps the prompt beside it", () => {
    const stage = [
      "# AGENTS.md instructions for /x\n\n<INSTRUCTIONS>\nx\n</INSTRUCTIONS>",
      "<environment_context>\n<cwd>/x</cwd>\n</environment_context>",
      "<INSTRUCTIONS>x</INSTRUCTIONS>",
      "<user_instructions>x</user_instructions>",
      "<recommended_plugins>x</recommended_plugins>",
      "<skill>\n<name>x</name>\n</skill>",
      '<codex_internal_context source="goal">x</codex_internal_context>',
      "<image name=[Image #1]>",
      "</image>",
    ];
    const parsed = parse([...stage.map((text) => prompt(text)), prompt(...stage, "hello")]);
    expect(messagesOf(parsed)).toMatchObject([
      { role: "user", isSystem: false, blocks: [{ text: "hello" }] },
    ]);
    expect(parsed.state.facts.firstMessage).toBe("hello");
  });

  test("shows news from the program as its own, each by itself", () => {
    const parsed = parse([
      prompt("<turn_aborted>\nby the user\n</turn_aborted>", "hello"),
      prompt("<SUBAGENT_NOTIFICATION>{}</SUBAGENT_NOTIFICATION>"),
      prompt("<user_shell_command>ls</user_shell_command>"),
      item("agent_message", { author: "/root", content: [{ type: "input_text", text: "do this" }] }),
    ]);
    expect(messagesOf(parsed).map(({ sourceSubtype, isSystem }) => [sourceSubtype, isSystem])).toEqual([
      ["interrupted", true],
      [null, false],
      ["subagent_notification", true],
      ["user_shell_command", true],
      ["agent_message", true],
    ]);
    expect(parsed.state.facts.firstMessage).toBe("hello");
  });

  test("takes for the first message what was asked, not what an app has put before it", () => {
    for (const preamble of [
      "# Files mentioned by the user:\n\n## a.txt: /tmp/a.txt\n\n## My request for Codex:\n",
      "# Files mentioned by the user:\n\n## a.txt: /tmp/a.txt\n\n## My request:\n",
      "# Context from my IDE setup:\n\n## Active file: a.ts\n\n## My request for Codex:\n",
    ]) {
      const parsed = parse([prompt(`${preamble}Explain this\n`)]);
      expect(parsed.state.facts.firstMessage).toBe("Explain this");
      expect(textsIn(parsed)).toEqual([`${preamble}Explain this\n`]);
    }
    const typed = "Write a heading\n## My request:\nand more";
    expect(parse([prompt(typed)]).state.facts.firstMessage).toBe(typed);
  });

  test("shows images and what is unknown by their type", () => {
    const content = [
      { type: "input_text", text: "look" },
      { type: "input_image", image_url: "data:image/png;base64,AAAA" },
      { type: "hologram" },
      { type: "input_text", text: "" },
    ];
    expect(textsIn(parse([item("message", { role: "user", content })]))).toEqual([
      "look\n[input_image]\n[hologram]",
    ]);
  });

  test("takes thoughts from a summary or from their text, and nothing from what is encrypted", () => {
    const parsed = parse([
      item("reasoning", { summary: [], content: null, encrypted_content: "gAAA" }),
      item("reasoning", {
        summary: [
          { type: "summary_text", text: "a" },
          { type: "summary_text", text: "b" },
        ],
      }),
      item("reasoning", { summary: [], content: [{ type: "reasoning_text", text: "c" }] }),
    ]);
    expect(messagesOf(parsed).map(({ role, blocks }) => [role, blocks])).toEqual([
      ["assistant", [{ type: "thinking", text: "a\n\nb" }]],
      ["assistant", [{ type: "thinking", text: "c" }]],
    ]);
  });

  test("takes no text from events: they say again what the items say", () => {
    const parsed = parse([
      event("user_message", { message: "hello" }),
      event("agent_message", { message: "hi" }),
      event("agent_reasoning", { text: "hm" }),
      event("item_completed", { item: { type: "AgentMessage", content: [{ type: "Text", text: "hi" }] } }),
      item("message", { role: "developer", content: [{ type: "input_text", text: "be good" }] }),
    ]);
    expect(parsed.entries).toEqual([]);
  });

  test("shows a compaction as a boundary, without the history that replaces the old one", () => {
    const replacement_history = [
      { type: "message", role: "user", content: [{ type: "input_text", text: "old" }] },
    ];
    const parsed = parse([
      { type: "compacted", payload: { message: "", replacement_history } },
      { type: "compacted", payload: { message: "Summary" } },
    ]);
    expect(textsIn(parsed)).toEqual(["Context compacted", "Summary"]);
    expect(messagesOf(parsed)).toMatchObject(
      [1, 2].map(() => ({ isSystem: true, isCompactBoundary: true, sourceSubtype: "compact_boundary" })),
    );
  });

  test("names the model of the turn", () => {
    const parsed = parse([turnContext("gpt-a"), answer("1"), turnContext("gpt-b"), answer("2"), prompt("3")]);
    expect(messagesOf(parsed).map(({ model }) => model)).toEqual(["gpt-a", "gpt-b", null]);
  });

  test("reads the bare items of old versions", () => {
    const lines = [
      { id: THREAD, timestamp: "2025-08-01T00:00:00.000Z", instructions: null, git: { branch: "old" } },
      { record_type: "state" },
      { type: "message", role: "user", content: [{ type: "input_text", text: "hello" }] },
      { type: "local_shell_call", call_id: "c", action: { type: "exec", command: ["ls", "-l"] } },
      { type: "function_call_output", call_id: "c", output: '{"output":"x","metadata":{"exit_code":0}}' },
    ].map((line) => JSON.stringify(line));
    const parsed = codex.parse(lines, null, PLACE);
    expect(parsed.entries.map(({ kind }) => kind)).toEqual(["message", "message", "tool_result"]);
    expect(callsOf(parsed)).toMatchObject([{ name: "local_shell", category: "Bash", subject: "ls -l" }]);
    expect(parsed.state.facts).toMatchObject({ gitBranch: "old", startedAt: "2025-08-01T00:00:00.000Z" });
  });
});

describe("parse(), tools", () => {
  test.each([
    [call("c", "exec_command", { cmd: "ls\npwd" }), "Bash", "ls"],
    [call("c", "shell", { command: ["bash", "-lc", "git status"] }), "Bash", "git status"],
    [call("c", "shell", { command: ["git", "status"] }), "Bash", "git status"],
    [call("c", "write_stdin", { session_id: 1, chars: "y\n" }), "Bash", "y"],
    [call("c", "view_image", { path: "/tmp/a.png" }), "Read", "/tmp/a.png"],
    [call("c", "spawn_agent", { message: "look" }), "Task", "look"],
    [call("c", "update_plan", { explanation: "first", plan: [] }), "Tool", "first"],
    [call("c", "toString", {}), "Other", ""],
    [
      item("custom_tool_call", {
        call_id: "c",
        name: "apply_patch",
        input: "*** Begin Patch\n*** Add File: a.ts\n+x\n*** Update File: b.ts\n*** End Patch",
      }),
      "Edit",
      "a.ts, b.ts",
    ],
    [item("custom_tool_call", { call_id: "c", name: "exec", input: "run()\n" }), "Bash", "run()"],
    [item("tool_search_call", { call_id: "c", arguments: { query: "mail" } }), "Tool", "mail"],
  ])("says what a call is about: %j", (record, category, subject) => {
    expect(callsOf(parse([record]))).toMatchObject([{ id: "c", category, subject }]);
  });

  test("keeps the input as it was written if it is JSON, and wraps other text", () => {
    const written = '{ "cmd" : "ls" }';
    const inputs = callsOf(
      parse([
        item("function_call", { call_id: "1", name: "x", arguments: written }),
        item("function_call", { call_id: "2", name: "x", arguments: "{broken" }),
        item("custom_tool_call", { call_id: "3", name: "x", input: '{"a":1}' }),
        item("function_call", { call_id: "4", name: "x", arguments: "" }),
      ]),
    ).map(({ input }) => input);
    expect(inputs).toEqual([written, '{"input":"{broken"}', '{"input":"{\\"a\\":1}"}', "{}"]);
  });

  test("names the server of an MCP tool", () => {
    const calls = callsOf(
      parse([
        item("function_call", { call_id: "1", name: "send", namespace: "mcp__mail__" }),
        item("function_call", { call_id: "2", name: "send", namespace: "mcp__mail" }),
        item("function_call", { call_id: "3", name: "mcp__mail__send", namespace: null }),
        item("function_call", { call_id: "4", name: "wait_agent", namespace: "agents" }),
      ]),
    );
    expect(calls.map(({ name }) => name)).toEqual([...Array(3).fill("mcp__mail__send"), "wait_agent"]);
  });

  test("keeps results as they are: text, JSON in a text, blocks, one block", () => {
    const json = '{"output":"x","metadata":{"exit_code":0}}';
    const outputs = [
      "text",
      json,
      [{ type: "input_text", text: "a" }, { type: "input_image" }],
      { type: "input_text", text: "b" },
      { content: "c", success: true },
      null,
    ];
    const parsed = parse(outputs.map((value, index) => output(String(index), value)));
    expect(parsed.entries).toEqual(
      ["text", json, "a\n[input_image]", "b", "c", ""].map((content, index) => ({
        kind: "tool_result" as const,
        toolUseId: String(index),
        content,
      })),
    );
  });

  test("finds the result of the provider's tools in the call itself", () => {
    const parsed = parse([
      item("web_search_call", { status: "completed", action: { type: "search", query: "tea" } }),
      item("image_generation_call", {
        id: "ig",
        status: "completed",
        revised_prompt: "a pot",
        result: "iVBOR",
      }),
      item("image_generation_call", { id: "ig2", status: "in_progress" }),
    ]);
    expect(callsOf(parsed)).toMatchObject([
      { id: "m0", name: "web_search", subject: "tea" },
      { id: "ig", name: "image_generation", subject: "a pot" },
      { id: "ig2" },
    ]);
    expect(parsed.entries.filter(({ kind }) => kind === "tool_result")).toEqual([
      { kind: "tool_result", toolUseId: "m0", content: "completed" },
      { kind: "tool_result", toolUseId: "ig", content: "[image]" },
    ]);
  });

  const CHILD = "01a0f000-0000-7000-8000-00000000000c";
  test.each([
    ["its result", output("spawn", JSON.stringify({ agent_id: CHILD, nickname: "Ada" }))],
    ["the end of spawning", event("collab_agent_spawn_end", { call_id: "spawn", new_thread_id: CHILD })],
    [
      "an activity",
      event("sub_agent_activity", { event_id: "spawn", agent_thread_id: CHILD, kind: "started" }),
    ],
    [
      "a completed item",
      event("item_completed", {
        item: { type: "SubAgentActivity", id: "spawn", agent_thread_id: CHILD, kind: "started" },
      }),
    ],
  ])("links a call to the subagent that %s names, once", (_name, record) => {
    const links = parse([call("spawn", "spawn_agent", {}), record, record]).entries.filter(
      ({ kind }) => kind === "subagent",
    );
    expect(links).toEqual([{ kind: "subagent", toolUseId: "spawn", sessionId: `codex:${CHILD}` }]);
  });

  test("links no call that has started nothing, and no name that is no thread", () => {
    const named = (callId: string, id: string): CodexRecord =>
      output(callId, JSON.stringify({ agent_id: id }));
    const parsed = parse([
      call("mail", "send_mail", {}),
      named("mail", CHILD),
      call("spawn", "spawn_agent", {}),
      named("spawn", "/root/worker"),
      event("sub_agent_activity", { event_id: "spawn", agent_thread_id: CHILD, kind: "interacted" }),
    ]);
    expect(parsed.entries.filter(({ kind }) => kind === "subagent")).toEqual([]);
  });
});

describe("parse(), tokens", () => {
  test("puts the difference of the totals on the assistant's last message, in other archives' words", () => {
    const parsed = parse([
      answer("1"),
      tokens([100, 40, 10]),
      answer("2"),
      tokens([300, 140, 15], [200, 100, 5]),
    ]);
    expect(messagesOf(parsed).map(({ usage }) => usage)).toEqual([
      {
        json: '{"input_tokens":60,"output_tokens":10,"cache_read_input_tokens":40}',
        contextTokens: 100,
        outputTokens: 10,
      },
      {
        json: '{"input_tokens":100,"output_tokens":5,"cache_read_input_tokens":100}',
        contextTokens: 200,
        outputTokens: 5,
      },
    ]);
  });

  test("adds up what comes for one message, and nothing for a total that is repeated", () => {
    const twice = tokens([250, 0, 30], [150, 0, 20]);
    const parsed = parse([
      answer("1"),
      tokens([100, 0, 10]),
      twice,
      twice,
      event("token_count", { info: null }),
    ]);
    expect(outputsOf(parsed)).toEqual([30]);
    expect(parsed.entries).toHaveLength(3);
  });

  test("keeps what is counted before the first message for that message", () => {
    const parsed = parse([
      tokens([100, 0, 10]),
      tokens([200, 0, 20], [100, 0, 10]),
      answer("1"),
      answer("2"),
    ]);
    expect(outputsOf(parsed)).toEqual([20, 0]);
  });

  test("counts the last response only when the total drops, whatever it was set back to", () => {
    const fromZero = parse([answer("1"), tokens([900, 0, 90]), answer("2"), tokens([100, 0, 7])]);
    expect(outputsOf(fromZero)).toEqual([90, 7]);
    const toEarlier = parse([
      answer("1"),
      tokens([900, 0, 90]),
      answer("2"),
      tokens([500, 0, 57], [100, 0, 7]),
    ]);
    expect(outputsOf(toEarlier)).toEqual([90, 7]);
  });

  test("counts nothing of the history that a fork has copied, and keeps its messages", () => {
    const copy = [
      header(THREAD, { forked_from_id: "parent" }),
      header("parent"),
      prompt("old"),
      answer("old"),
      tokens([900, 0, 90]),
    ];
    const own = [prompt("new"), answer("new"), tokens([900, 0, 90]), tokens([1000, 0, 95], [100, 0, 5])];
    const parsed = parseTimed(copy, own);
    expect(outputsOf(parsed)).toEqual([0, 5]);
    expect(textsIn(parsed)).toEqual(["old", "old", "new", "new"]);
  });

  test("counts nothing of the history that a fork has not copied but goes on from", () => {
    const first = header(THREAD, { forked_from_id: "parent", history_base: { thread_id: "parent" } });
    const parsed = parse([first, prompt("new"), answer("new"), tokens([1000, 0, 95], [100, 0, 5])]);
    expect(outputsOf(parsed)).toEqual([5]);
  });

  test("takes a header of another thread for the beginning of a copy", () => {
    const parsed = parseTimed(
      [header(THREAD), header("parent"), answer("old"), tokens([900, 0, 90])],
      [answer("new"), tokens([1000, 0, 95], [100, 0, 5])],
    );
    expect(outputsOf(parsed)).toEqual([0, 5]);
  });
});

describe("parse(), history", () => {
  test("leaves out the lines that are the parent's by their ordinals", () => {
    const source = { subagent: { thread_spawn: { parent_thread_id: "parent" } } };
    const records = [
      header(THREAD, { source, subagent_history_start_ordinal: 4 }),
      prompt("theirs"),
      answer("theirs"),
      tokens([900, 0, 90]),
      prompt("mine"),
      answer("mine"),
      tokens([1000, 0, 95], [100, 0, 5]),
    ].map((record, ordinal) => ({ ...record, ordinal }));
    const parsed = parse(records);
    expect(textsIn(parsed)).toEqual(["mine", "mine"]);
    expect(outputsOf(parsed)).toEqual([5]);
    expect(parsed.state.facts.firstMessage).toBe("mine");
  });

  test("takes back nothing where a file goes on from the end of the one before", () => {
    const base = { thread_id: THREAD, end_ordinal_exclusive: 2 };
    const parsed = parse(
      [header(THREAD), prompt("1"), header(THREAD, { history_base: base }), prompt("2")].map(
        (record, ordinal) => ({
          ...record,
          ordinal,
        }),
      ),
    );
    expect(retractionsOf(parsed)).toEqual([]);
  });

  test("does not take a prompt back twice", () => {
    const base = { thread_id: THREAD, end_ordinal_exclusive: 1 };
    const records = [
      header(THREAD),
      prompt("1"),
      prompt("2"),
      event("thread_rolled_back", { num_turns: 1 }),
      { ...header(THREAD, { history_base: base }), ordinal: 1 },
    ].map((record, ordinal) => ({ ordinal, ...record }));
    expect(retractionsOf(parse(records))).toEqual([{ lastPrompts: 1 }, { lastPrompts: 1 }]);
  });

  test("takes back nothing for a rollback of nothing", () => {
    const rollbacks = [0, -1, "2", null].map((num_turns) => event("thread_rolled_back", { num_turns }));
    expect(parse(rollbacks).entries).toEqual([]);
  });
});

describe("parse(), damage", () => {
  test("counts lines that hold no record, and finds the record behind half of another", () => {
    const [line = ""] = linesOf([prompt("hello")]);
    const parsed = codex.parse(["{", "[1]", "", `${line.slice(0, 50)}${line}`], null, PLACE);
    expect(parsed.state.facts.malformedLines).toBe(3);
    expect(textsIn(parsed)).toEqual(["hello"]);
  });

  test("replaces what an archive cannot keep: NUL and halves of surrogate pairs", () => {
    expect(textsIn(parse([prompt("a\u0000b\ud800c")]))).toEqual(["a\ufffdb\ufffdc"]);
  });

  test("counts a record that cannot be read, however deep it is", () => {
    const deep = '{"a":'.repeat(200_000) + "1" + "}".repeat(200_000);
    const line = `{"timestamp":"x","type":"response_item","payload":{"type":"tool_search_call","call_id":"c","arguments":${deep}}}`;
    const parsed = codex.parse([line, ...linesOf([prompt("hello")])], null, PLACE);
    expect(textsIn(parsed).at(-1)).toBe("hello");
  });

  test("keeps a bounded state, however many calls, prompts and turns there are", () => {
    const records = Array.from({ length: 2000 }, (_, n) => [
      prompt(`prompt ${n}`),
      call(`call_${n}`, "spawn_agent", { message: "x".repeat(100) }),
      tokens([n * 100, 0, n], [100, 0, 1]),
    ]).flat();
    const { state } = parse(records.map((record, ordinal) => ({ ...record, ordinal })));
    expect(JSON.stringify(state).length).toBeLessThan(20_000);
  });

  test("reads records whose fields are of any type", () => {
    const odd = fc.oneof(
      fc.constantFrom(null, true, -1, 1e99, "", "x", [], {}, [[]], [null, 1, "text"], { type: "x" }),
      fc.constantFrom({ subagent: {} }, { thread_spawn: 1 }, [{ type: 1 }], [{ type: "text", text: {} }]),
    );
    const fields = (
      "type id role content name namespace arguments input action call_id output status summary tools message info " +
      "num_turns thread_name model cwd git item source timestamp session_id parent_thread_id history_base kind " +
      "event_id total_token_usage subagent_history_start_ordinal replacement_history"
    ).split(" ");
    const types = (
      "message reasoning function_call custom_tool_call local_shell_call web_search_call image_generation_call " +
      "tool_search_output function_call_output agent_message token_count thread_rolled_back thread_name_updated " +
      "item_completed sub_agent_activity"
    ).split(" ");
    const values = fc.dictionary(fc.constantFrom(...fields), odd);
    const payload = fc
      .tuple(fc.constantFrom(...types), values)
      .map(([type, values]): Record<string, unknown> => ({ type, ...values }));
    const kinds = ["session_meta", "turn_context", "response_item", "event_msg", "compacted", "other"];
    const record = fc.oneof(
      payload,
      fc.record({
        type: fc.oneof(fc.constantFrom(...kinds), odd),
        payload: fc.oneof(payload, odd),
        ordinal: odd,
      }),
    );
    fc.assert(
      fc.property(fc.array(record, { maxLength: 20 }), (records) => {
        const lines = records.map((record) => JSON.stringify(record));
        const whole = codex.parse(lines, null, PLACE);
        expect(whole.state.facts.malformedLines).toBe(0);
        const state = JSON.parse(JSON.stringify(whole.state)) as Parsed["state"];
        expect(state).toEqual(whole.state);
      }),
      { numRuns: 500 },
    );
  });
});

const THREAD = "01a0f000-0000-7000-8000-00000000000a";
const PLACE = placeIn(`sessions/rollout-2026-01-01T00-00-00-${THREAD}.jsonl`);

function parse(records: readonly CodexRecord[]): Parsed {
  return codex.parse(linesOf(records), null, PLACE);
}

/** @param burst records that were written at once, before the others. */
function parseTimed(burst: readonly CodexRecord[], later: readonly CodexRecord[]): Parsed {
  const atOnce = burst.flatMap((record) => linesOf([record]));
  return codex.parse([...atOnce, ...linesOf(later, 10)], null, PLACE);
}

/** @param paths of the files of one thread, in their order. */
function parseFiles(paths: readonly string[]): Parsed {
  let parsed = nothingOf(paths);
  for (const path of paths) {
    const next = codex.parse(linesIn(path), parsed.state, placeIn(path));
    parsed = { entries: [...parsed.entries, ...next.entries], state: next.state };
  }
  return parsed;
}

function nothingOf([path = ""]: readonly string[]): Parsed {
  return codex.parse([], null, placeIn(path));
}

function linesIn(path: string): string[] {
  const bytes = readFileSync(join(FIXTURES, path));
  return (path.endsWith(".zst") ? zstdDecompressSync(bytes) : bytes).toString("utf8").split("\n");
}

function placeIn(path: string): TranscriptPlace {
  const place = codex.placeOf(path);
  if (place === null) throw new Error(`no transcript: ${path}`);
  return place;
}

/** The messages as an archive keeps them: what has the key of an earlier one belongs to it. */
function messagesOf({ entries }: Parsed): MessageEntry[] {
  const messages: MessageEntry[] = [];
  for (const entry of entries) {
    if (entry.kind !== "message") continue;
    const known = entry.key === null ? -1 : messages.findIndex(({ key }) => key === entry.key);
    const before = messages[known];
    if (before === undefined) messages.push(entry);
    else
      messages[known] = {
        ...before,
        blocks: [...before.blocks, ...entry.blocks],
        usage: entry.usage ?? before.usage,
      };
  }
  return messages;
}

function textsIn(parsed: Parsed): string[] {
  return messagesOf(parsed).map(({ blocks }) =>
    blocks.flatMap((block) => (block.type === "text" ? block.text : [])).join("\n"),
  );
}

function outputsOf(parsed: Parsed): number[] {
  const assistant = messagesOf(parsed).filter(({ role }) => role === "assistant");
  return assistant.map(({ usage }) => usage?.outputTokens ?? 0);
}

function usageOf(messages: readonly MessageEntry[]): Record<string, number> {
  const sums: Record<string, number> = { input_tokens: 0, output_tokens: 0, cache_read_input_tokens: 0 };
  for (const { usage } of messages) {
    const counts = JSON.parse(usage?.json ?? "{}") as Record<string, number>;
    for (const [name, tokens] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + tokens;
  }
  return sums;
}

function retractionsOf({ entries }: Parsed): unknown[] {
  return entries.flatMap((entry) => (entry.kind === "retraction" ? entry.of : []));
}

function callsOf(parsed: Parsed): Extract<Block, { type: "tool_use" }>[] {
  return messagesOf(parsed).flatMap(({ blocks }) => callsIn(blocks));
}

function callsIn(blocks: readonly Block[]): Extract<Block, { type: "tool_use" }>[] {
  return blocks.filter((block) => block.type === "tool_use");
}

function countBy(names: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
