/** Tells the texts in Codex's user messages apart: prompts that a person typed, and texts that the program added. */

/**
 * Who speaks: a person; the program, to set the stage; or the program, with news that a person wants to see (then as
 * the archive's `source_subtype`).
 */
export type Voice = { of: "person" } | { of: "stage" } | { of: "news"; subtype: string };

/** Context for the model, which no person asked for. */
const STAGE = new RegExp(
  [
    String.raw`^\s*# AGENTS\.md instructions`,
    String.raw`^\s*<(environment_context|instructions|user_instructions|recommended_plugins|skill|model_switch)[\s>]`,
    String.raw`^\s*<(extension_context|codex_internal_context|goal_context|app-context)[\s>]`,
    // What frames an attached image; the image is a block of its own.
    String.raw`^\s*(<image\b[^>]*>|</image>)\s*$`,
  ].join("|"),
  "i",
);

const NEWS: readonly [beginning: RegExp, subtype: string][] = [
  [/^\s*<turn_aborted>/i, "interrupted"],
  [/^\s*<subagent_notification>/i, "subagent_notification"],
  [/^\s*<user_shell_command>/i, "user_shell_command"],
  [/^\s*<user_action>/i, "user_action"],
  [/^\s*<hook_prompt[\s>]/i, "hook_prompt"],
];

/** @param text one block of a user message: each is judged by its beginning. */
export function voiceOf(text: string): Voice {
  if (STAGE.test(text)) return { of: "stage" };
  const subtype = NEWS.find(([beginning]) => beginning.test(text))?.[1];
  return subtype === undefined ? { of: "person" } : { of: "news", subtype };
}

/** Apps and editors put context before a prompt: attached files, open tabs, the page in the app's browser. */
const PREAMBLE = /^\s*(# Files mentioned by the user|# Context from my IDE setup|<in-app-browser-context\b)/;
const REQUEST = /^## My request(?: for Codex)?:[ \t]*\n?/m;

/** @returns the prompt without the context that an app put before it. */
export function requestIn(prompt: string): string {
  const request = PREAMBLE.test(prompt) ? REQUEST.exec(prompt) : null;
  if (request === null) return prompt;
  const typed = prompt.slice(request.index + request[0].length).trim();
  return typed === "" ? prompt : typed;
}

/** Headers before about 0.40 name no folder; the context text does. */
export function folderIn(text: string): string | null {
  return /^\s*<environment_context>[^]*?<cwd>([^<]+)<\/cwd>/.exec(text)?.[1]?.trim() ?? null;
}
