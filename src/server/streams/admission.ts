/** How many streams there may be: in all, and for one client. */

import { Refusal } from "../refusal.ts";
import { clientOf } from "./client-address.ts";

/** When (s) a refused client may try again. */
const RETRY_AFTER = "10";

export interface AdmissionOptions {
  /** Streams at the same time. @default 20_000 */
  maxStreams?: number;
  /** Streams for one address; loopback has no such limit. @default a tenth of `maxStreams` */
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

  /** Places in use. */
  get size(): number {
    return this.#size;
  }

  /** Admits no more streams: the server is stopping. */
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
   * @throws Refusal when no place is free, or the server is stopping.
   */
  admit(address: string | null): Lease {
    this.assertOpen();
    if (this.#size >= this.#maxStreams) {
      const why = `all ${this.#maxStreams} streams of this server are in use (--max-streams)`;
      throw new Refusal(503, `${why}; try again later`, { "retry-after": RETRY_AFTER });
    }
    const client = address === null ? null : clientOf(address);
    const taken = client === null ? 0 : (this.#shares.get(client) ?? 0);
    if (taken >= this.#share) {
      const why = `your address already uses all ${this.#share} streams that one may have (--max-streams-per-address)`;
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

  /** Whether a stream holds it, and releases it when it ends. */
  get isKept(): boolean {
    return this.#isKept;
  }

  /** @returns the function that releases it. */
  keep(): () => void {
    this.#isKept = true;
    return this.release;
  }

  /** Calls after the first do nothing. */
  readonly release = (): void => {
    this.#free?.();
    this.#free = null;
  };
}
