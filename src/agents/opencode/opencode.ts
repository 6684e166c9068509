/**
 * OpenCode: all sessions of a user in one SQLite database. `sessions.ts` lists them with their change tokens, `messages.ts`
 * makes entries of rows, `parts.ts` of the parts of a message, `tools.ts` knows the tools.
 */

import type { SessionFacts } from "../../session/entries.ts";
import type { SessionId } from "../../session/session.ts";
import type { DatabaseAgent, Rows, Surroundings, WholeSession } from "../agent.ts";
import { noFacts, noteFirstMessage, noteFolder, noteTime } from "../shared/facts.ts";
import { asName } from "../shared/json.ts";
import { entriesOf, readMessages } from "./messages.ts";
import type { MessageRow } from "./messages.ts";
import { sessionRow, sessions, token } from "./sessions.ts";
import type { SessionRow } from "./sessions.ts";
import { timeOf } from "./values.ts";

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

/** Builds of other release channels keep a database of their own beside it. */
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
  const messages = readMessages(rows, session);
  const entries = messages.flatMap((message) => entriesOf(message));
  const facts = factsOf(session, messages);
  noteFirstMessage(facts, entries);
  return { id, facts, entries };
}

function factsOf(session: SessionRow, messages: readonly MessageRow[]): SessionFacts {
  const parentId = session.parentId === null ? null : `${NAME}:${session.parentId}`;
  const facts = noFacts(NAME, { parentId });
  noteFolder(facts, session.directory);
  noteTime(facts, timeOf(session.createdMs));
  for (const { writtenMs } of messages) noteTime(facts, timeOf(writtenMs));
  noteTime(facts, timeOf(session.writtenMs));
  facts.title = isPlaceholder(session.title) ? null : asName(session.title);
  facts.sourceSessionId = session.id;
  facts.sourceVersion = asName(session.version);
  return facts;
}

/** What a session is called until the model has named it. */
function isPlaceholder(title: unknown): boolean {
  return typeof title === "string" && /^(New|Child) session - \d{4}-\d\d-\d\dT/.test(title);
}
