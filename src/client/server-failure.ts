/** How requests to a server fail, in the same words on every runtime. */

import { codeOf, FAILURE_WORDS, reasonOf } from "../async/failure-words.ts";
import { messageOf, WatchError } from "../errors.ts";

export interface ServerFailureOptions extends ErrorOptions {
  /** Nothing answers at that address. @default false */
  isAbsent?: boolean;
  /** How long (ms) the server asks clients to wait. @default null */
  retryAfterMs?: number | null;
}

/** A failure that another attempt may overcome. All other errors are final. */
export class ServerFailure extends WatchError {
  /** The cause in a few words. */
  readonly reason: string;
  readonly isAbsent: boolean;
  readonly retryAfterMs: number | null;

  constructor(message: string, reason: string, options: ServerFailureOptions = {}) {
    const { isAbsent = false, retryAfterMs = null, cause } = options;
    super("server_unreachable", message, { cause });
    this.reason = reason;
    this.isAbsent = isAbsent;
    this.retryAfterMs = retryAfterMs;
  }
}

/** @returns the failure of a connection that could not be made or that broke. */
export function connectionFailure(origin: string, cause: unknown): ServerFailure {
  const { reason, isAbsent } = explain(cause);
  return new ServerFailure(`cannot reach ${origin}: ${reason}`, reason, { isAbsent, cause });
}

/** A server's answer that is not a success. */
export interface RefusedRequest {
  response: Response;
  body: string;
  /** Whether the request carried a token. */
  hadToken: boolean;
}

/** @returns the error that such an answer means. */
export function answerFailure(origin: string, { response, body, hadToken }: RefusedRequest): WatchError {
  const { status, headers } = response;
  if (status === 401) {
    const why = hadToken ? "it does not accept the token; check" : "it needs a token; pass one with";
    return new WatchError(
      "server_refused",
      `${origin} answered 401: ${why} --token-file or SESSIONWATCH_TOKEN`,
    );
  }
  const reason = `answered ${status}: ${reasonIn(body) ?? `HTTP ${status}`}`;
  const message = `${origin} ${reason}`;
  if (!MAY_PASS.has(status) && status < 500) return new WatchError("server_refused", message);
  return new ServerFailure(message, reason, { retryAfterMs: parseRetryAfter(headers.get("retry-after")) });
}

/** Client errors that may be over at the next attempt: timeout, too early, too many requests. */
const MAY_PASS = new Set([408, 425, 429]);

/** Ignores dates: they need two clocks that agree. */
function parseRetryAfter(header: string | null): number | null {
  return header !== null && /^\d{1,9}$/.test(header) ? Number(header) * 1000 : null;
}

/** Bun and Deno report the common cases in words of their own, and not always with a code. */
function explain(error: unknown): { reason: string; isAbsent: boolean } {
  const { cause } = (error ?? {}) as { cause?: unknown };
  const words = [error, cause].flatMap((part) => [codeOf(part), messageOf(part)]).join(" ");
  const code = WORDS_OF_RUNTIMES.find(({ pattern }) => pattern.test(words))?.code;
  const reason = FAILURE_WORDS.get(code ?? "") ?? reasonOf(error);
  return { reason, isAbsent: code === "ECONNREFUSED" || code === "ENOTFOUND" };
}

const WORDS_OF_RUNTIMES: readonly { pattern: RegExp; code: string }[] = [
  { pattern: /ECONNREFUSED|connection ?refused/i, code: "ECONNREFUSED" },
  {
    pattern: /ECONNRESET|connection ?(reset|closed)|connection was closed|reading a body/i,
    code: "ECONNRESET",
  },
  { pattern: /ENOTFOUND|FailedToOpenSocket|dns error/i, code: "ENOTFOUND" },
];

function reasonIn(body: string): string | null {
  try {
    const { error } = JSON.parse(body) as { error?: unknown };
    return typeof error === "string" ? error : null;
  } catch {
    // Not an answer of one of our servers: the status is reason enough.
    return null;
  }
}
