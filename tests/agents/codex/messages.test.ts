import { describe, expect, test } from "bun:test";
import { codex } from "../../../src/agents/codex/codex.ts";
import { answer, event, item, prompt, turnContext } from "../../support/codex.ts";
import { callsOf, messagesOf, parse, PLACE, textsIn, THREAD } from "../../support/codex-parsing.ts";

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
