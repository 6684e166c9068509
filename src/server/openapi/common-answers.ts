/** Answers that several routes have in common. */

import type { DefinitionName } from "./answers.ts";
import type { EventDefinitionName } from "./event-schemas.ts";
import type { Answer, Operation } from "./operation.ts";

type Answers = Readonly<Record<number, Answer>>;

export const BAD_HOST = "The Host header is not a name or an address.";
export const FORBIDDEN =
  "The request was sent to a host that is not this server's, or comes from a page of another origin.";
const RETRY_AFTER = { "Retry-After": "Seconds to wait before the next try." };

export const NO_SUCH_SESSION: Answers = { 404: failed("There is no such session.") };

export const UNAVAILABLE: Answers = {
  503: { ...failed("The archive cannot be read now."), headers: RETRY_AFTER },
};

/** @returns what an operation may be answered with besides its own answers. */
export function commonAnswers({ policy, request }: Operation): Answers {
  const badRequest = `A parameter is unknown or has a wrong value; the error says what to send instead. ${BAD_HOST}`;
  return {
    400: failed(request.query === undefined ? BAD_HOST : badRequest),
    403: failed(FORBIDDEN),
    500: failed("An internal error; the server's log has the details."),
    ...(policy === "open" ? {} : UNAUTHORIZED),
    ...(policy === "stream" ? BUSY : {}),
  };
}

export function failed(description: string): Answer {
  return { description, content: { "application/json": "Error" } };
}

export function json(description: string, schema: DefinitionName): Answers {
  return { 200: { description, content: { "application/json": schema } } };
}

/** @param data what the data of a Server-Sent Event is. */
export function streamOf(events: EventDefinitionName, data: string): Answers {
  return {
    200: {
      description:
        "A stream that begins at once, and ends when either side closes it. Clients that prefer application/x-ndjson get " +
        "JSON lines. The schemas describe one event.",
      content: { "text/event-stream": { frames: events, data }, "application/x-ndjson": events },
    },
  };
}

const UNAUTHORIZED: Answers = {
  401: {
    ...failed("The server was started with a token, and the request has none or a wrong one."),
    headers: { "WWW-Authenticate": "Bearer" },
  },
};

const BUSY: Answers = {
  429: { ...failed("Your address uses all streams that one address may have."), headers: RETRY_AFTER },
  503: {
    ...failed("The archive cannot be read now, or all streams of the server are in use."),
    headers: RETRY_AFTER,
  },
};
