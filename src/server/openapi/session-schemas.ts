/** Sessions and messages as the server answers with them, in the archive's column names. */

import * as v from "valibot";
import { count, sessionId, version } from "./fields.ts";

export const sessionSchema = v.pipe(
  v.looseObject({
    id: sessionId,
    version,
    message_count: count,
    project: column(v.string()),
    machine: column(v.string()),
    agent: column(v.string(), "Such as claude or codex."),
    first_message: column(v.string()),
    display_name: column(v.string(), "The name that the user gave it."),
    title: column(v.string(), "The name that the agent gave it."),
    started_at: column(v.string()),
    ended_at: column(v.string(), "When it was last active."),
    created_at: column(v.string()),
    user_message_count: column(v.number()),
    parent_session_id: column(v.string()),
    relationship_type: column(v.string(), "What it is to its parent, such as subagent or fork."),
    total_output_tokens: column(v.number()),
    peak_context_tokens: column(v.number()),
    cwd: column(v.string()),
    git_branch: column(v.string()),
    file_path: column(v.string()),
    parser_malformed_lines: column(v.number(), "Lines of the transcript that could not be read."),
    is_automated: column(v.number(), "1 if no person has written in it."),
  }),
  v.description("One session, in the archive's column names; an archive may have more columns, or fewer."),
);

export const toolCallSchema = v.looseObject({
  tool_name: v.string(),
  category: v.string(),
  tool_use_id: column(v.string()),
  input_json: column(v.string()),
  skill_name: column(v.string()),
  result_content_length: column(v.number()),
  result_content: column(v.string()),
  subagent_session_id: column(v.string(), "The session that this call started."),
});

export const messageSchema = v.pipe(
  v.looseObject({
    ordinal: v.pipe(count, v.description("Its place in the session, from 0.")),
    role: v.string(),
    content: v.string(),
    thinking_text: column(v.string()),
    timestamp: column(v.string()),
    model: column(v.string()),
    has_thinking: v.optional(v.boolean()),
    has_tool_use: v.optional(v.boolean()),
    is_system: v.optional(v.boolean()),
    is_sidechain: v.optional(v.boolean()),
    is_compact_boundary: v.optional(v.boolean()),
    content_length: column(v.number()),
    context_tokens: column(v.number()),
    output_tokens: column(v.number()),
    tool_calls: v.array(toolCallSchema),
  }),
  v.description("One message, in the archive's column names; an archive may have more columns, or fewer."),
);

/** A column that an archive may lack, or leave empty. */
function column<T extends v.GenericSchema>(type: T, description?: string) {
  return v.optional(v.nullable(description === undefined ? type : v.pipe(type, v.description(description))));
}
