import { describe, expect, test } from "bun:test";
import { call, event, item, output } from "../../support/codex.ts";
import type { CodexRecord } from "../../support/codex.ts";
import { callsOf, parse } from "../../support/codex-parsing.ts";

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
