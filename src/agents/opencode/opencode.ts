/**
 * OpenCode: all sessions of a user in one SQLite database. `tokens.ts` lists them with their change tokens, `sessions.ts` and
 * `stored-messages.ts` read rows, `messages.ts` makes entries of them, `parts.ts` blocks, `tools.ts` and `usage.ts` know tools
 * and tokens. The older form, one JSON file per row under `storage/`, is not read: version 1.2 imports it when it starts.
 */

import type { SessionFacts } from "../../session/entries.ts";
import type { SessionId } from "../../session/session.ts";
import type { DatabaseAgent, Rows, Surroundings, WholeSession } from "../agent.ts";
import { noFacts, noteFirstMessage, noteFolder, noteTime } from "../shared/facts.ts";
import { asName } from "../shared/json.ts";
import { entriesOf } from "./messages.ts";
import { sessionRow } from "./sessions.ts";
import type { SessionRow } from "./sessions.ts";
import { storedMessages } from "./stored-messages.ts";
import type { StoredMessages } from "./stored-messages.ts";
import { sessions, token } from "./tokens.ts";
import { timeOf } from "../shared/times.ts";

const NAME = "opencode";

/** Ids are `opencode:` and the session's own. */
export const openCode: DatabaseAgent = {
  name: NAME,
  kind: "database",
  revision: 1,
  databases,
  sessions,
  token,
  read,
};

/** Builds of other release channels keep their own database beside it. */
const FILES = ["opencode.db", "opencode-dev.db", "opencode-local.db"];

function databases({ env, home }: Surroundings): string[] {
  const data = env["XDG_DATA_HOME"] || `${home}/.local/share`;
  const folder = env["OPENCODE_DIR"] || `${data}/opencode`;
  const configured = env["OPENCODE_DB"];
  if (configured === ":memory:") return [];
  if (configured) return [/^([/\\]|[a-z]:)/i.test(configured) ? configured : `${folder}/${configured}`];
  return FILES.map((file) => `${folder}/${file}`);
}

function read(rows: Rows, id: SessionId): WholeSession | null {
  const session = sessionRow(rows, id);
  if (session === null) return null;
  const stored = storedMessages(rows, session);
  const entries = stored.messages.flatMap((message) => entriesOf(message));
  const facts = factsOf(session, stored);
  noteFirstMessage(facts, entries);
  return { id, facts, entries };
}

function factsOf(session: SessionRow, { messages, damaged }: StoredMessages): SessionFacts {
  const parentId = session.parentId === null ? null : `${NAME}:${session.parentId}`;
  const facts = noFacts(NAME, { parentId });
  noteFolder(facts, session.directory);
  noteTime(facts, timeOf(session.createdMs));
  for (const { writtenMs } of messages) noteTime(facts, timeOf(writtenMs));
  noteTime(facts, timeOf(session.writtenMs));
  facts.malformedLines = damaged;
  // A fork does not name the session that it was copied from.
  if (parentId === null && messages.some(({ isCopied }) => isCopied)) facts.relationshipType = "fork";
  facts.title = isPlaceholder(session.title) ? null : asName(session.title);
  facts.sourceSessionId = session.id;
  facts.sourceVersion = asName(session.version);
  return facts;
}

/** A session has a placeholder until the model names it. */
function isPlaceholder(title: unknown): boolean {
  return typeof title === "string" && /^(New|Child) session - \d{4}-\d\d-\d\dT/.test(title);
}
