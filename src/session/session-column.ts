/** What the program knows of a column of `sessions`. */

import type { Column } from "./column.ts";

export interface SessionColumn extends Column {
  /** A session's version is made of these, in this order: whatever changes a session changes one of them. */
  readonly versionInput?: number;
  /** Subscribers and lists choose by it. */
  readonly isTrait?: true;
  /** When the session was last active: the first of these that is known. */
  readonly activity?: number;
  /** What the session is called: the first of these that says something. */
  readonly title?: number;
}
