/** Tool calls of Codex, and their results. */

import type { Block, ToolResultEntry } from "../../session/entries.ts";
import { textsOf } from "./content.ts";
import { asArray, asName, asObject, asString, jsonTextOf, parseObject } from "../shared/json.ts";
import type { Json } from "../shared/json.ts";
import { inFewWords, subjectOf } from "../shared/subject.ts";

type ToolUse = Extract<Block, { type: "tool_use" }>;

/**
 * Reads any item whose type ends in `_call`: the types differ only in where they keep the input.
 *
 * @param fallbackId for calls that have no id: those that the provider's own tools make.
 */
export function toolUseOf(item: Json, fallbackId: string): ToolUse {
  const name = nameOf(item);
  const input = inputOf(item);
  const category = CATEGORIES.get(name) ?? "Other";
  return {
    type: "tool_use",
    id: idOf(item) ?? fallbackId,
    name,
    category,
    input,
    subject: subjectIn(input),
    skill: null,
  };
}

/** Some calls contain their result; no output follows them. */
export function resultWithin(item: Json, fallbackId: string): ToolResultEntry[] {
  const isDone = asString(item["status"]) !== "in_progress";
  const toolUseId = idOf(item) ?? fallbackId;
  if (item["type"] === "web_search_call" && isDone)
    return [{ kind: "tool_result", toolUseId, content: asString(item["status"]) ?? "" }];
  // The item holds the image as base64, which can be megabytes.
  if (item["type"] === "image_generation_call" && isDone)
    return [{ kind: "tool_result", toolUseId, content: "[image]" }];
  return [];
}

/** Any item whose type ends in `_output`. */
export function resultOf(item: Json): ToolResultEntry[] {
  const toolUseId = asName(item["call_id"]);
  if (toolUseId === null) return [];
  const content =
    item["type"] === "tool_search_output" ? jsonTextOf(item["tools"]) : outputText(item["output"]);
  return [{ kind: "tool_result", toolUseId, content }];
}

/** @param output a string, kept as it is even if it is JSON; blocks; or, in some versions, one block. */
function outputText(output: unknown): string {
  const object = asObject(output);
  if (object === null || asString(object["type"]) !== null) return textsOf(output).join("\n");
  return "content" in object ? textsOf(object["content"]).join("\n") : jsonTextOf(object);
}

function idOf(item: Json): string | null {
  return asName(item["call_id"]) ?? asName(item["id"]);
}

function nameOf(item: Json): string {
  const type = asString(item["type"]) ?? "";
  const name = asString(item["name"]) ?? type.replace(/_call$/, "");
  const namespace = asString(item["namespace"]) ?? "";
  // Newer versions name an MCP tool in two parts.
  if (!namespace.startsWith("mcp__") || name.startsWith("mcp__")) return name;
  return `${namespace.replace(/(?<!_)_+$/, "")}__${name}`;
}

const CATEGORIES = new Map([
  ["exec_command", "Bash"],
  ["exec", "Bash"],
  ["shell", "Bash"],
  ["shell_command", "Bash"],
  ["container.exec", "Bash"],
  ["local_shell", "Bash"],
  ["write_stdin", "Bash"],
  ["apply_patch", "Edit"],
  ["view_image", "Read"],
  ["read_file", "Read"],
  ["list_dir", "Glob"],
  ["grep_files", "Grep"],
  // The archive links subagents only to calls of this category, which start one.
  ["spawn_agent", "Task"],
  ["update_plan", "Tool"],
  ["request_user_input", "Tool"],
  ["request_permissions", "Tool"],
  ["tool_search", "Tool"],
  ["web_search", "Tool"],
  ["image_generation", "Tool"],
]);

/** @returns JSON text: unchanged if the model wrote JSON, else an object with the text as `input`. */
function inputOf(item: Json): string {
  const written = asString(item["arguments"]);
  if (written !== null) return isJson(written) ? written : jsonTextOf({ input: written });
  const text = asString(item["input"]);
  if (text !== null) return jsonTextOf({ input: text });
  const object = asObject(item["arguments"]) ?? asObject(item["input"]) ?? asObject(item["action"]);
  if (object !== null) return jsonTextOf(object);
  const prompt = asString(item["revised_prompt"]);
  return jsonTextOf(prompt === null ? {} : { revised_prompt: prompt });
}

const SUBJECTS = [
  "input",
  "path",
  "file_path",
  "dir_path",
  "query",
  "url",
  "pattern",
  "message",
  "prompt",
  "revised_prompt",
  "chars",
  "explanation",
];

function subjectIn(input: string): string {
  const values = parseObject(input) ?? {};
  const command = commandIn(values["cmd"] ?? values["command"]);
  if (command !== "") return inFewWords(command);
  const patched = patchedFiles(asString(values["input"]) ?? "");
  if (patched !== "") return inFewWords(patched);
  const question = asString(asObject(asArray(values["questions"])[0])?.["question"]);
  return question === null ? subjectOf(values, SUBJECTS) : inFewWords(question);
}

/** @param command a command line; or its words, where `bash -lc` is only how the third of them is run. */
function commandIn(command: unknown): string {
  const words = asArray(command).flatMap((word) => asString(word) ?? []);
  const script = /^-l?c$/.test(words[1] ?? "") ? words[2] : undefined;
  return asString(command) ?? script ?? words.join(" ");
}

function patchedFiles(patch: string): string {
  if (!patch.startsWith("*** Begin Patch")) return "";
  return [...patch.matchAll(/^\*\*\* (?:Add|Update|Delete) File: (.+)$/gm)]
    .map(([, path]) => path)
    .join(", ");
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
