/** What the program knows of a column of `sessions`. */

import type { Column } from "./column.ts";

export interface SessionColumn extends Column {
  /** Its place among the inputs of a session's version. Every change of a session changes one of them. */
  readonly versionInput?: number;
  /** Subscriptions and lists can be filtered by it. */
  readonly isTrait?: true;
  /** Its place among the times of the last activity. The first one that has a value counts. */
  readonly activity?: number;
  /** Its place among the titles. The first one that has a text counts. */
  readonly title?: number;
}
