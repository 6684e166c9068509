/** What to follow. */

import type { Filter } from "./filter.ts";

/** One session, by an id as a person wrote it (a prefix, `latest`), or every session that matches a filter. */
export type FollowTarget = { id: string } | { filter: Filter };
