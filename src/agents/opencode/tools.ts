/** The tools of OpenCode. */

import type { Block } from "../../session/entries.ts";
import { asName, asObject, asString, jsonTextOf } from "../shared/json.ts";
import type { Json } from "../shared/json.ts";
import { subjectOf } from "../shared/subject.ts";

/** @param part of type `tool`. */
export function toolUseOf(part: Json): Extract<Block, { type: "tool_use" }> {
  const name = asString(part["tool"]) ?? "unknown";
  const input = asObject(asObject(part["state"])?.["input"]) ?? {};
  return {
    type: "tool_use",
    id: asName(part["callID"]) ?? "",
    name,
    category: CATEGORIES.get(name) ?? "Tool",
    input: jsonTextOf(input),
    subject: subjectOf(input, SUBJECTS),
    skill: name === "skill" ? asName(input["name"]) : null,
  };
}

/** Everything else is a tool of the program, or of a server that it is connected to. */
const CATEGORIES = new Map([
  ["bash", "Bash"],
  ["read", "Read"],
  ["list", "Read"],
  ["edit", "Edit"],
  ["multiedit", "Edit"],
  ["patch", "Edit"],
  ["apply_patch", "Edit"],
  ["write", "Write"],
  ["grep", "Grep"],
  ["codesearch", "Grep"],
  ["glob", "Glob"],
  ["task", "Task"],
  ["invalid", "Other"],
]);

/** The first of them that a call's input has says what the call is about. */
const SUBJECTS = ["filePath", "command", "pattern", "description", "query", "url", "path", "name"];
