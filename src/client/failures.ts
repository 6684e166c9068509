/** How requests to a server fail, in words that are the same on every runtime. */

import { messageOf, WatchError } from "../errors.ts";

export interface ServerFailureOptions extends ErrorOptions {
  /** There is nobody at that address. @default false */
  isAbsent?: boolean;
  /** How long (ms) the server asks to be left alone. @default null */
  retryAfterMs?: number | null;
}

/** Trying again may help. Everything else that is thrown is final. */
export class ServerFailure extends WatchError {
  /** Why, in a few words. */
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

/** @returns the failure of a connection that could not be made, or broke. */
export function connectionFailure(origin: string, cause: unknown): ServerFailure {
  const { reason, isAbsent } = explain(cause);
  return new ServerFailure(`cannot reach ${origin}: ${reason}`, reason, { isAbsent, cause });
}

/** What a server has said to a request. */
export interface Refused {
  response: Response;
  body: string;
  /** Whether the request carried a token. */
  hadToken: boolean;
}

/** @returns the error that an answer stands for. */
export function failureAnswered(origin: string, { response, body, hadToken }: Refused): WatchError {
  const { status, headers } = response;
  if (status === 401) {
    const why = hadToken
      ? "the token that was sent is not its own; look at"
      : "it wants a token, and none was sent; give it with";
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

/** What a client can do nothing about, and what may be over when it comes back: timeouts, too early, too many. */
const MAY_PASS = new Set([408, 425, 429]);

/** Dates are left to those who trust two clocks. */
function parseRetryAfter(header: string | null): number | null {
  return header !== null && /^\d{1,9}$/.test(header) ? Number(header) * 1000 : null;
}

/** Each runtime has its own words for the common cases, and its own place to put them. */
function explain(error: unknown): { reason: string; isAbsent: boolean } {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: { code?: unknown; message?: unknown } };
  const words = [code, messageOf(error), cause?.code, cause?.message].join(" ");
  const known = REASONS.find(({ pattern }) => pattern.test(words));
  return known ?? { reason: messageOf(error), isAbsent: false };
}

const REASONS: readonly { pattern: RegExp; reason: string; isAbsent: boolean }[] = [
  { pattern: /ECONNREFUSED|connection ?refused/i, reason: "connection refused", isAbsent: true },
  {
    pattern: /ECONNRESET|connection ?(reset|closed)|connection was closed|reading a body/i,
    reason: "connection lost",
    isAbsent: false,
  },
  {
    pattern: /ENOTFOUND|FailedToOpenSocket|dns error/i,
    reason: "there is no such host",
    isAbsent: true,
  },
];

function reasonIn(body: string): string | null {
  try {
    const { error } = JSON.parse(body) as { error?: unknown };
    return typeof error === "string" ? error : null;
  } catch {
    // Not from one of our servers: the status says enough.
    return null;
  }
}
