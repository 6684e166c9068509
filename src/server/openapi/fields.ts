/** Fields that several answers have in common. */

import * as v from "valibot";

export const sessionId = v.pipe(v.string(), v.description("A session's id."));

export const version = v.pipe(
  v.string(),
  v.description("An opaque token of the session's state: if it differs, the session has changed."),
);

export const count = v.pipe(v.number(), v.integer(), v.minValue(0));
