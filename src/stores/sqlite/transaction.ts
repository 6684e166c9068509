/** What one sync writes, inside the transaction that its archive has begun. */

import { transcriptToken } from "../../watch/archive.ts";
import type { SourceRecord, SyncTransaction } from "../../watch/archive.ts";
import type { SessionId } from "../../watch/session.ts";
import type { SessionFacts, TranscriptEntry } from "../../watch/transcript.ts";
import type { Statements } from "./connection.ts";
import { MessageWriter } from "./message-writer.ts";
import type { Totals } from "./message-writer.ts";
import { readSource, signed, writeSource } from "./sources.ts";
import { INSERT_SESSION, SELECT_EXCLUDED, SELECT_SESSION, UPSERT_SESSION } from "./statements.ts";

type Row = Record<string, unknown>;

/** Nothing of it is committed unless it was saved: whoever began the transaction asks `isSaved`. */
export class SqliteTransaction implements SyncTransaction {
  readonly source: SourceRecord | null;
  readonly isDeleted: boolean;
  #saved = false;
  readonly #statements: Statements;
  readonly #id: SessionId;
  readonly #messages: MessageWriter;

  constructor(statements: Statements, id: SessionId) {
    this.#statements = statements;
    this.#id = id;
    const row = statements.prepare(SELECT_SESSION).get(id);
    this.source = readSource(statements, id);
    const excluded = statements.prepare(SELECT_EXCLUDED).get(id) !== undefined;
    this.isDeleted = excluded || (row?.["deleted_at"] ?? null) !== null;
    this.#messages = new MessageWriter(statements, id, totalsOf(row));
  }

  get isSaved(): boolean {
    return this.#saved;
  }

  async clear(): Promise<void> {
    this.#messages.clear();
  }

  async write(entries: readonly TranscriptEntry[]): Promise<void> {
    this.#statements.prepare(INSERT_SESSION).run(this.#id, now());
    this.#messages.write(entries);
  }

  async save(facts: SessionFacts, source: SourceRecord): Promise<void> {
    const { totals } = this.#messages;
    // The first file begins the transcript, the last one is written to.
    const [first] = source.files;
    const last = source.files.at(-1);
    if (first === undefined || last === undefined) throw new TypeError("a transcript has at least one file");
    this.#statements.run(UPSERT_SESSION, {
      id: this.#id,
      project: facts.project,
      agent: facts.agent,
      first_message: facts.firstMessage,
      display_name: facts.displayName,
      started_at: facts.startedAt,
      ended_at: facts.endedAt,
      created_at: facts.startedAt ?? now(),
      message_count: totals.messages,
      user_message_count: totals.userMessages,
      file_path: first.path,
      file_size: source.files.reduce((sum, { offset }) => sum + offset, 0),
      file_mtime: last.mtimeNs,
      file_inode: signed(last.inode),
      file_device: signed(last.device),
      parent_session_id: facts.parentSessionId,
      relationship_type: facts.relationshipType ?? "",
      total_output_tokens: totals.outputTokens,
      has_total_output_tokens: totals.outputTokens > 0 ? 1 : 0,
      peak_context_tokens: totals.peakContext,
      has_peak_context_tokens: totals.peakContext > 0 ? 1 : 0,
      cwd: facts.cwd,
      git_branch: facts.gitBranch,
      source_session_id: facts.sourceSessionId,
      source_version: facts.sourceVersion,
      parser_malformed_lines: facts.malformedLines,
      is_automated: facts.isAutomated ? 1 : 0,
      title: facts.title,
      source_token: transcriptToken(source.files),
    });
    writeSource(this.#statements, this.#id, source);
    this.#saved = true;
  }
}

function totalsOf(row: Row | undefined): Totals {
  return {
    messages: Number(row?.["message_count"] ?? 0),
    userMessages: Number(row?.["user_message_count"] ?? 0),
    outputTokens: Number(row?.["total_output_tokens"] ?? 0),
    peakContext: Number(row?.["peak_context_tokens"] ?? 0),
  };
}

function now(): string {
  return new Date().toISOString();
}
