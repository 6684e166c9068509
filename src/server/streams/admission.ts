/** How many streams there may be: in all, and for one client. */

import type { MiddlewareHandler } from "hono";
import { isLoopback } from "../addresses.ts";
import type { Env } from "../env.ts";
import { Refusal } from "../refusal.ts";

/** When (s) a client that was turned away may try again. */
const RETRY_AFTER = "10";

export interface AdmissionOptions {
  /** Streams at the same time. @default 20_000 */
  maxStreams?: number;
  /** Of these, for one address; this machine's own have no share. @default a tenth of `maxStreams` */
  maxStreamsPerAddress?: number;
}

export class Admission {
  readonly #maxStreams: number;
  readonly #share: number;
  readonly #shares = new Map<string, number>();
  #size = 0;
  #isClosed = false;

  constructor(options: AdmissionOptions = {}) {
    const { maxStreams = 20_000, maxStreamsPerAddress = Math.ceil(maxStreams / 10) } = options;
    this.#maxStreams = maxStreams;
    this.#share = maxStreamsPerAddress;
  }

  /** Places that are taken. */
  get size(): number {
    return this.#size;
  }

  /** From now on nobody is let in: the server stops. */
  close(): void {
    this.#isClosed = true;
  }

  /** @throws Refusal once it is closed. */
  assertOpen(): void {
    if (!this.#isClosed) return;
    throw new Refusal(503, "the server is stopping; try again later", { "retry-after": RETRY_AFTER });
  }

  /**
   * @param address null if it is not known.
   * @throws Refusal when there is no place left, or the server stops.
   */
  admit(address: string | null): Lease {
    this.assertOpen();
    if (this.#size >= this.#maxStreams) {
      const why = `this server has all the ${this.#maxStreams} streams that it may have (--max-streams)`;
      throw new Refusal(503, `${why}; try again later`, { "retry-after": RETRY_AFTER });
    }
    const client = address === null ? null : clientOf(address);
    const taken = client === null ? 0 : (this.#shares.get(client) ?? 0);
    if (taken >= this.#share) {
      const why = `your address has all the ${this.#share} streams that it may have (--max-streams-per-address)`;
      throw new Refusal(429, `${why}; close some, or watch many sessions on one`, {
        "retry-after": RETRY_AFTER,
      });
    }
    this.#size += 1;
    if (client !== null) this.#shares.set(client, taken + 1);
    return new Lease(() => this.#release(client));
  }

  #release(client: string | null): void {
    this.#size -= 1;
    if (client === null) return;
    const left = (this.#shares.get(client) ?? 1) - 1;
    if (left === 0) this.#shares.delete(client);
    else this.#shares.set(client, left);
  }
}

/** A stream's place. */
export class Lease {
  #free: (() => void) | null;
  #isKept = false;

  constructor(free: () => void) {
    this.#free = free;
  }

  /** Whether a stream has it now, and gives it back at its own end. */
  get isKept(): boolean {
    return this.#isKept;
  }

  /** @returns what gives it back. */
  keep(): () => void {
    this.#isKept = true;
    return this.release;
  }

  /** Whatever comes after the first call does nothing. */
  readonly release = (): void => {
    this.#free?.();
    this.#free = null;
  };
}

/** What a route that streams knows, besides what every route does. */
export interface AdmittedEnv extends Env {
  Variables: { lease: Lease };
}

/** Takes a place before anything else is done, and gives it back unless the answer is a stream. */
export function admitStreams(admission: Admission): MiddlewareHandler<AdmittedEnv> {
  return async (c, next) => {
    // Any other method is answered without a stream.
    if (c.req.method !== "GET" && c.req.method !== "HEAD") return await next();
    const lease = admission.admit(c.env.address());
    c.set("lease", lease);
    await next();
    if (!lease.isKept) lease.release();
  };
}

/**
 * @returns what shares are counted by: an IPv4 address, or the 64 bits of an IPv6 network, of which one client has every
 * address; null for this machine itself, where programs and proxies speak for many.
 */
export function clientOf(address: string): string | null {
  const plain = address
    .toLowerCase()
    .replace(/^::ffff:(?=\d+\.)/, "")
    .replace(/%.*$/, "");
  if (isLoopback(plain)) return null;
  return plain.includes(":") ? networkOf(plain) : plain;
}

function networkOf(address: string): string {
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const last = tail === "" ? 0 : tail.split(":").length;
    while (groups.length < 8 - last) groups.push("0");
  }
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}
