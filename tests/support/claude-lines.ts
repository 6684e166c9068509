/** Records of Claude Code as fast-check makes them up: everything that says something about another one. */

import fc from "fast-check";
import { linesWith, oneOf, texts, times } from "./lines.ts";
import { CWD } from "./project.ts";

const VERSION = "2.1.143";

const envelope = fc.record({
  parentUuid: fc.oneof(fc.constant(null), oneOf("uuid-")),
  isSidechain: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, fc.constant(true)),
  sessionId: fc.constantFrom("session-1", "session-1", "session-2"),
  uuid: fc.oneof({ weight: 2, arbitrary: fc.uuid() }, oneOf("uuid-")),
  timestamp: times,
  cwd: fc.constantFrom(CWD, "/home/someone/elsewhere"),
  gitBranch: fc.constantFrom("main", "topic"),
  version: fc.constant(VERSION),
});

const call = fc.record({
  type: fc.constant("tool_use"),
  id: fc.oneof({ weight: 9, arbitrary: oneOf("toolu_") }, fc.constant("")),
  name: fc.constantFrom("Bash", "Task", "Agent", "Read"),
  input: fc.record({ command: texts }),
});

const block = fc.oneof(
  texts.map((text) => ({ type: "text", text })),
  texts.map((thinking) => ({ type: "thinking", thinking })),
  { weight: 3, arbitrary: call },
);

const usage = fc.record({
  input_tokens: fc.nat(9),
  cache_read_input_tokens: fc.nat(900),
  output_tokens: fc.nat(90),
});

const answer = fc
  .tuple(envelope, oneOf("msg_"), fc.array(block, { maxLength: 3 }), fc.option(usage))
  .map(([envelope, id, content, usage]) => ({
    ...envelope,
    type: "assistant",
    message: { id, role: "assistant", model: "claude-opus-4-6", content, usage },
  }));

/** Two of them with one parent are a rewind. */
const prompt = fc
  .tuple(
    envelope,
    fc.oneof(texts, fc.constantFrom("[Request interrupted by user]", "<command-name>/x</command-name>")),
  )
  .map(([envelope, content]) => ({ ...envelope, type: "user", message: { role: "user", content } }));

const result = fc
  .tuple(
    envelope,
    fc.array(fc.record({ tool_use_id: oneOf("toolu_"), content: texts }), { minLength: 1, maxLength: 2 }),
    fc.option(oneOf("")),
  )
  .map(([envelope, results, agentId]) => ({
    ...envelope,
    type: "user",
    message: { role: "user", content: results.map((result) => ({ type: "tool_result", ...result })) },
    ...(agentId === null ? {} : { toolUseResult: { agentId } }),
  }));

const compacted = envelope.map((envelope) => ({
  ...envelope,
  parentUuid: null,
  type: "system",
  subtype: "compact_boundary",
  compactMetadata: { trigger: "auto", preTokens: 1000 },
}));

const summary = envelope.map((envelope) => ({
  ...envelope,
  type: "user",
  isCompactSummary: true,
  message: { role: "user", content: "This session is being continued from another one." },
}));

const refusal = fc
  .tuple(envelope, fc.array(oneOf("uuid-"), { maxLength: 2 }))
  .map(([envelope, retractedMessageUuids]) => ({
    ...envelope,
    type: "system",
    subtype: "api_refusal",
    retractedMessageUuids,
  }));

const progress = fc
  .tuple(envelope, oneOf("toolu_"), oneOf(""), fc.constantFrom("agent_progress", "bash_progress"))
  .map(([envelope, parentToolUseID, agentId, type]) => ({
    ...envelope,
    type: "progress",
    parentToolUseID,
    data: { type, agentId },
  }));

const news = fc.tuple(times, oneOf("toolu_"), oneOf("")).map(([timestamp, toolUseId, agentId]) => ({
  type: "queue-operation",
  operation: "enqueue",
  timestamp,
  content: `<task-id>${agentId}</task-id><tool-use-id>${toolUseId}</tool-use-id>`,
}));

const queued = fc.tuple(envelope, texts).map(([envelope, prompt]) => ({
  ...envelope,
  type: "attachment",
  attachment: { type: "queued_command", prompt },
}));

const title = fc
  .tuple(times, texts, fc.boolean())
  .map(([timestamp, title, isOwn]) =>
    isOwn
      ? { type: "custom-title", timestamp, customTitle: title }
      : { type: "ai-title", timestamp, aiTitle: title },
  );

/** Lines of one transcript of Claude Code. */
export const claudeLines: fc.Arbitrary<Buffer> = linesWith(
  fc.oneof(
    { weight: 6, arbitrary: answer },
    { weight: 3, arbitrary: prompt },
    { weight: 5, arbitrary: result },
    compacted,
    summary,
    refusal,
    progress,
    news,
    queued,
    title,
    times.map((timestamp) => ({ type: "mode", timestamp })),
  ),
);
