/** Tells the texts in Claude Code's user messages apart: prompts that a person typed, and texts that programs added. */

/** An editor puts context before the prompt; the prompt is a block of its own. */
export function isEditorContext(text: string): boolean {
  return /^\s*<(system-reminder|ide_selection|ide_opened_file)>/.test(text);
}

/** Output of local commands comes from neither a model nor a person. */
export function isDropped(text: string): boolean {
  return /^\s*<local-command-(stdout|stderr)>/.test(text);
}

/** @returns null for what a person typed. */
export function systemSubtype(text: string): string | null {
  return SYSTEM_TEXTS.find(([beginning]) => text.trimStart().startsWith(beginning))?.[1] ?? null;
}

/**
 * `<command-name>/x</command-name>…<command-args>y</command-args>` is what the user typed as `/x y`, and
 * `<bash-input>x</bash-input>` what was typed as `! x`.
 */
export function asCommand(text: string): string {
  const shellLine = between(text, "<bash-input>", "</bash-input>");
  if (shellLine !== null) return `! ${shellLine}`;
  const name = between(text, "<command-name>", "</command-name>");
  if (name === null) return text;
  const args = between(text, "<command-args>", "</command-args>") ?? "";
  // Version 1.0.17 wrote the name without its slash.
  return `${name.startsWith("/") ? "" : "/"}${name} ${args}`.trim();
}

const SYSTEM_TEXTS: readonly [beginning: string, subtype: string][] = [
  ["This session is being continued", "continuation"],
  ["<local-command-caveat>", "resume"],
  ["[Request interrupted", "interrupted"],
  ["<task-notification>", "task_notification"],
  ["<teammate-message", "teammate_message"],
  ["Stop hook feedback:", "stop_hook"],
  ["<bash-stdout>", "bash_output"],
  ["<bash-stderr>", "bash_output"],
];

/** Not a pattern, which would be slow on marks that are never closed. @returns null if the marks are missing. */
function between(text: string, opening: string, closing: string): string | null {
  const at = text.indexOf(opening);
  const from = at + opening.length;
  const to = at === -1 ? -1 : text.indexOf(closing, from);
  return to === -1 ? null : text.slice(from, to).trim();
}
