/** Tool calls of Claude Code, and their results. */

import type { Block } from "../../session/entries.ts";
import { asArray, asName, asObject, asString, jsonTextOf } from "../shared/json.ts";
import type { Json } from "../shared/json.ts";
import { subjectOf } from "../shared/subject.ts";

/** A tool's result as a record of type `user` holds it. */
export interface ToolResult {
  toolUseId: string;
  /** A string, or blocks. */
  content: unknown;
}

/** @param block of type `tool_use` or `server_tool_use`. */
export function toolUseOf(block: Json): Block {
  const name = asString(block["name"]) ?? "unknown";
  const input = asObject(block["input"]) ?? {};
  return {
    type: "tool_use",
    id: asName(block["id"]) ?? "",
    name,
    category: CATEGORIES.get(name) ?? "Other",
    input: jsonTextOf(input),
    subject: subjectOf(input, SUBJECTS),
    skill: name === "Skill" ? asName(input["skill"]) : null,
  };
}

/** @returns the results in a record's message; those without the id of a call are left out. */
export function toolResultsIn(record: Json): ToolResult[] {
  return asArray(asObject(record["message"])?.["content"]).flatMap((value) => {
    const block = asObject(value);
    const toolUseId = asName(block?.["tool_use_id"]);
    if (block?.["type"] !== "tool_result" || toolUseId === null) return [];
    return [{ toolUseId, content: block["content"] }];
  });
}

const CATEGORIES = new Map([
  ["Read", "Read"],
  ["NotebookRead", "Read"],
  ["Edit", "Edit"],
  ["MultiEdit", "Edit"],
  ["NotebookEdit", "Write"],
  ["Write", "Write"],
  ["Bash", "Bash"],
  ["BashOutput", "Bash"],
  ["KillShell", "Bash"],
  ["Grep", "Grep"],
  ["Glob", "Glob"],
  ["LS", "Read"],
  ["Task", "Task"],
  ["Agent", "Task"],
  ["Skill", "Tool"],
]);

/** The first of these members that a call's input has becomes its subject. */
const SUBJECTS = [
  "file_path",
  "notebook_path",
  "command",
  "pattern",
  "description",
  "query",
  "url",
  "path",
  "skill",
];
