/** Parameters that several routes have in common. */

import * as v from "valibot";

const MAX_LIMIT = 1000;

export const limit = v.exactOptional(
  v.pipe(whole(1, MAX_LIMIT), v.description("At most this many; 100 by default.")),
);

/** Filters of sessions. */
export const traits = {
  project: text("Only sessions of this project."),
  agent: text("Only sessions of this agent, such as claude or codex."),
  machine: text("Only sessions of this machine."),
};

export const lastEventIdParameter = text(
  "The last id that the client has seen; the server sends what it missed. For clients that cannot send Last-Event-ID.",
);

export const lastEventIdHeader = v.object({
  "Last-Event-ID": text(
    "An EventSource sends it when it reconnects. It takes precedence over last_event_id.",
  ),
});

export const sessionInPath = v.object({ id: v.pipe(v.string(), v.description("The session's id.")) });

export function text(description: string) {
  return v.exactOptional(v.pipe(v.string(), v.description(description)));
}

export function whole(min: number, max: number) {
  const message = `use a whole number from ${min} to ${max}`;
  return v.pipe(
    v.string(),
    v.regex(/^\d+$/, message),
    v.transform(Number),
    v.number(),
    v.integer(message),
    v.minValue(min, message),
    v.maxValue(max, message),
  );
}
