/** Records of Codex as fast-check makes them up: everything that says something about another one. */

import fc from "fast-check";
import { answer, call, event, header, item, output, prompt, tokens, turnContext } from "./codex.ts";
import type { CodexRecord } from "./codex.ts";
import { linesWith, oneOf, texts, times } from "./lines.ts";

export const THREADS = [1, 2, 3].map((n) => `01a0f000-0000-7000-8000-00000000000${n}`);

const thread = fc.constantFrom(...THREADS);
const callIds = oneOf("call_");

const headers = fc
  .tuple(
    thread,
    fc.oneof(
      fc.constant({}),
      thread.map((id) => ({ forked_from_id: id })),
      thread.map((id) => ({ source: { subagent: { thread_spawn: { parent_thread_id: id, depth: 1 } } } })),
      fc.constant({ source: { subagent: "review" } }),
      fc.nat(8).map((ordinal) => ({ subagent_history_start_ordinal: ordinal, thread_source: "subagent" })),
      fc.nat(8).map((ordinal) => ({ history_base: { end_ordinal_exclusive: ordinal } })),
    ),
  )
  .map(([id, fields]) => header(id, fields));

const prompts = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: texts },
      fc.constantFrom(
        "<environment_context>\n<cwd>/home/someone/elsewhere</cwd></environment_context>",
        "<turn_aborted>by the user</turn_aborted>",
        "# Context from my IDE setup:\n## My request for Codex:\ndo it",
      ),
    ),
    { minLength: 1, maxLength: 2 },
  )
  .map((texts) => prompt(...texts));

const calls = fc.oneof(
  fc
    .tuple(callIds, fc.constantFrom("shell", "spawn_agent"), texts)
    .map(([id, name, text]) => call(id, name, { command: ["bash", "-lc", text] })),
  fc
    .tuple(callIds, texts)
    .map(([id, input]) => item("custom_tool_call", { call_id: id, name: "apply_patch", input })),
  texts.map((query) => item("web_search_call", { status: "completed", action: { type: "search", query } })),
);

const outputs = fc
  .tuple(
    callIds,
    fc.oneof(
      texts,
      thread.map((id) => JSON.stringify({ agent_id: id })),
      texts.map((text) => [{ type: "input_text", text }]),
    ),
  )
  .map(([id, result]) => output(id, result));

const spawned = fc.tuple(callIds, thread, fc.boolean()).map(([id, thread, isOld]) =>
  isOld
    ? event("collab_agent_spawn_end", { call_id: id, new_thread_id: thread })
    : event("item_completed", {
        item: { type: "SubAgentActivity", kind: "started", event_id: id, agent_thread_id: thread },
      }),
);

/** Totals that grow, are repeated and are set back. */
const counts = fc.oneof(
  fc
    .tuple(fc.nat(9), fc.nat(9), fc.nat(9))
    .map(([input, cached, output]) => tokens([input * 100, cached * 10, output * 5], [100, 10, 5])),
  fc.constant(event("token_count", { info: null, rate_limits: {} })),
);

const others: fc.Arbitrary<CodexRecord> = fc.oneof(
  texts.map((text) =>
    item("reasoning", { summary: [{ type: "summary_text", text }], encrypted_content: "x" }),
  ),
  texts.map((message) => ({ type: "compacted", payload: { message } })),
  fc.nat(3).map((turns) => event("thread_rolled_back", { num_turns: turns })),
  fc
    .tuple(thread, texts)
    .map(([id, name]) => event("thread_name_updated", { thread_id: id, thread_name: name })),
  fc.constantFrom("gpt-5.4", "gpt-5.5").map((model) => turnContext(model)),
  texts.map((text) => event("agent_message", { message: text })),
);

const record = fc.oneof(
  headers,
  { weight: 3, arbitrary: prompts },
  { weight: 3, arbitrary: texts.map((text) => answer(text)) },
  { weight: 4, arbitrary: calls },
  { weight: 4, arbitrary: outputs },
  { weight: 3, arbitrary: counts },
  { weight: 2, arbitrary: others },
  spawned,
);

/** Lines of one rollout of Codex; in newer ones they are numbered, in old ones the items stand bare. */
export const codexLines: fc.Arbitrary<Buffer> = linesWith(
  fc
    .tuple(times, record, fc.option(fc.nat(12)), fc.nat(12))
    .map(([timestamp, { type, payload }, ordinal, age]) =>
      age === 0
        ? { timestamp, ...payload }
        : { timestamp, type, payload, ...(ordinal === null ? {} : { ordinal }) },
    ),
);
