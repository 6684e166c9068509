/** The tools of OpenCode. */

import type { Block } from "../../session/entries.ts";
import { asArray, asName, asObject, asString, jsonTextOf } from "../shared/json.ts";
import type { Json } from "../shared/json.ts";
import { inFewWords, subjectOf } from "../shared/subject.ts";
import type { PartRow } from "./stored-messages.ts";

/** @param part of type `tool`. */
export function toolUseOf(part: PartRow): Block {
  const name = asName(part.data["tool"]) ?? "unknown";
  const input = asObject(asObject(part.data["state"])?.["input"]) ?? {};
  return {
    type: "tool_use",
    id: callIdOf(part),
    name,
    category: CATEGORIES.get(name) ?? "Tool",
    input: jsonTextOf(input),
    subject: subjectIn(input),
    skill: name === "skill" ? asName(input["name"]) : null,
  };
}

/** Calls without an id must not share a result. */
export function callIdOf({ id, data }: PartRow): string {
  return asName(data["callID"]) ?? id;
}

/** All other tools are the program's own or an MCP server's. */
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

/** The first of these members that a call's input has becomes its subject. */
const SUBJECTS = ["filePath", "command", "pattern", "description", "query", "url", "path", "name", "prompt"];

function subjectIn(input: Json): string {
  const patched = patchedFiles(asString(input["patchText"]) ?? "");
  if (patched !== "") return inFewWords(patched);
  const question = asString(asObject(asArray(input["questions"])[0])?.["question"]);
  return question === null ? subjectOf(input, SUBJECTS) : inFewWords(question);
}

function patchedFiles(patch: string): string {
  return [...patch.matchAll(/^\*\*\* (?:Add|Update|Delete) File: (.+)$/gm)]
    .map(([, path]) => path)
    .join(", ");
}
