/** Which followers keep a source in sync: each kind of source has its own. */

import type { SessionId } from "../../session/session.ts";
import { DatabaseSource } from "../sources/database-source.ts";
import { DocumentSource } from "../sources/document-source.ts";
import { LinesSource } from "../sources/lines-source.ts";
import type { Source } from "../sources/source.ts";
import { DatabaseFollower } from "./database-follower.ts";
import { DocumentFollower } from "./document-follower.ts";
import type { Follower, FollowTools } from "./follower.ts";
import { RootFollower } from "./root-follower.ts";
import { SessionFollower } from "./session-follower.ts";

/** @param only the session to keep in sync. @default every session of the source */
export function followersOf(source: Source, tools: FollowTools, only?: SessionId): Follower[] {
  if (source instanceof LinesSource)
    return only === undefined
      ? source.index.roots.map((root) => new RootFollower(root, source, tools))
      : [new SessionFollower(only, source, tools)];
  if (source instanceof DatabaseSource)
    return source.places.map((place) => new DatabaseFollower(place, source, tools, only ?? null));
  if (source instanceof DocumentSource) {
    const name = only === undefined ? source.name : `session ${only}`;
    return [new DocumentFollower(name, source, tools, only ?? null)];
  }
  throw new TypeError("a source of an unknown kind");
}
