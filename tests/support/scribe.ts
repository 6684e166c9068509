/** Agents at work: writes to several transcripts at once, in lines and halves of lines, and is rough with some. */

import { appendFileSync, renameSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { ClaudeTranscript } from "./claude.ts";
import { answer, call, CodexRollout, header, linesOf, output, prompt, tokens, turnContext } from "./codex.ts";
import type { CodexRecord } from "./codex.ts";
import type { Dice } from "./dice.ts";
import type { Workspace } from "./workspace.ts";

/** Longest pause (ms) between two writes. */
const PAUSE_MS = 10;
/** Of what the transcripts say; halves of it end inside characters. */
const TEXT = "Grüße, 世界 😀 ".repeat(8);

/** A transcript that is being written. */
export interface Writing {
  /** In the archive. */
  id: string;
  path: string;
  /** Nothing but appended to. */
  isSteady: boolean;
  /** How often it has lost something. */
  cuts: number;
}

interface Draft extends Writing {
  /** One line, its newline included. */
  next: () => string;
  /** What a replacement begins with. */
  opening: string;
  /** The rest of a line that stands there in part. */
  rest: Uint8Array;
}

export class Scribe {
  readonly #dice: Dice;
  readonly #drafts: [Draft, ...Draft[]];
  readonly #scratch: string;
  #writing: Promise<void> | null = null;
  #stopped = false;

  /** @param largeBytes how large one of those is that are replaced from time to time. */
  constructor(workspace: Workspace, dice: Dice, largeBytes: number) {
    this.#dice = dice;
    this.#scratch = workspace.path("scratch");
    const claude = (name: string, isSteady: boolean, size = 0): Draft =>
      begun(claudeDraft(workspace.claude, name, isSteady, dice), size);
    const codex = (isSteady: boolean): Draft =>
      begun(codexDraft(`${workspace.home}/.codex`, isSteady, dice), 0);
    this.#drafts = [
      claude("steady", true),
      claude("steady-too", true),
      claude("cut", false),
      claude("large", false, largeBytes),
      codex(true),
      codex(false),
    ];
  }

  get writings(): readonly [Writing, ...Writing[]] {
    return this.#drafts;
  }

  start(): void {
    this.#writing = this.#write();
  }

  /** Some lines are left unfinished. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#writing;
  }

  async #write(): Promise<void> {
    while (!this.#stopped) {
      this.#act(this.#dice.pick(this.#drafts));
      await sleep(this.#dice.below(PAUSE_MS));
    }
  }

  #act(draft: Draft): void {
    if (!draft.isSteady && this.#dice.chance(0.04)) return this.#replace(draft);
    if (!draft.isSteady && this.#dice.chance(0.04)) return this.#truncate(draft);
    const lines = Array.from({ length: 1 + this.#dice.below(3) }, draft.next).join("");
    const bytes = Buffer.concat([draft.rest, Buffer.from(lines)]);
    const end = this.#dice.chance(0.3) ? this.#dice.below(bytes.length) : bytes.length;
    appendFileSync(draft.path, bytes.subarray(0, end));
    draft.rest = bytes.subarray(end);
  }

  #truncate(draft: Draft): void {
    draft.cuts += 1;
    draft.rest = Buffer.of();
    truncateSync(draft.path, this.#dice.below(statSync(draft.path).size + 1));
  }

  #replace(draft: Draft): void {
    draft.cuts += 1;
    draft.rest = Buffer.of();
    writeFileSync(this.#scratch, draft.opening + draft.next());
    renameSync(this.#scratch, draft.path);
  }
}

function begun(draft: Draft, size: number): Draft {
  // Written once: a replacement says the same in another file.
  const lines = [draft.opening];
  for (let length = 0; length < size;) {
    const line = draft.next();
    length += Buffer.byteLength(line);
    lines.push(line);
  }
  draft.opening = lines.join("");
  writeFileSync(draft.path, draft.opening);
  return draft;
}

function claudeDraft(root: string, name: string, isSteady: boolean, dice: Dice): Draft {
  const transcript = new ClaudeTranscript(root, name, `-folder-of-${name}`);
  const { id, path } = transcript;
  const text = (): string => TEXT.slice(0, dice.below(TEXT.length));
  let answers = 0;
  const record = (): object => {
    const message = `msg_${answers}`;
    const use = `toolu_${answers}`;
    switch (dice.below(4)) {
      case 0:
        return transcript.userRecord(text());
      case 1:
        answers += 1;
        return transcript.assistantRecord([{ type: "text", text: text() }], `msg_${answers}`);
      case 2: {
        const block = { type: "tool_use", id: use, name: "Bash", input: { command: text() } };
        return transcript.assistantRecord([block], message, dice.below(100));
      }
      default:
        return transcript.userRecord([{ type: "tool_result", tool_use_id: use, content: text() }]);
    }
  };
  const next = (): string => `${JSON.stringify(record())}\n`;
  return { id, path, isSteady, cuts: 0, next, opening: next(), rest: Buffer.of() };
}

function codexDraft(root: string, isSteady: boolean, dice: Dice): Draft {
  const { id, path } = new CodexRollout(root);
  const text = (): string => TEXT.slice(0, dice.below(TEXT.length));
  let records = 0;
  let calls = 0;
  const record = (): CodexRecord => {
    switch (dice.below(5)) {
      case 0:
        return prompt(text());
      case 1:
        return answer(text());
      case 2:
        calls += 1;
        return call(`call_${calls}`, "shell", { command: text() });
      case 3:
        return output(`call_${calls}`, text());
      default:
        return tokens([records * 10, records, records * 2]);
    }
  };
  const line = (record: CodexRecord): string => {
    records += 1;
    return `${linesOf([record], records).join("")}\n`;
  };
  const opening = line(header(id)) + line(turnContext("gpt-5.5"));
  return {
    id: `codex:${id}`,
    path,
    isSteady,
    cuts: 0,
    next: () => line(record()),
    opening,
    rest: Buffer.of(),
  };
}
