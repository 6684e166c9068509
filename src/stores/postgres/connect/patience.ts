/** How long an answer is waited for: while the server brings it, longer than while it says nothing. */

import type { Socket } from "node:net";

export interface PatienceOptions {
  /** How long (ms) everything may take. */
  deadlineMs: number;
  /** How long (ms) nothing at all may come. */
  silenceMs: number;
  /** @returns the socket that the answer comes over; null as long as there is none. */
  socket: () => Socket | null;
}

export interface Patience {
  /** Rejects when it is at its end, unless `end()` was called before. */
  lost: Promise<never>;
  end: () => void;
}

/** The clock runs from now on. */
export function patience({ deadlineMs, silenceMs, socket }: PatienceOptions): Patience {
  const { promise: lost, reject } = Promise.withResolvers<never>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const bytesRead = (): number => socket()?.bytesRead ?? 0;
  const wait = (leftMs: number, before: number): void => {
    const waitMs = Math.min(silenceMs, leftMs);
    timer = setTimeout(() => {
      const now = bytesRead();
      if (now > before && leftMs > waitMs) wait(leftMs - waitMs, now);
      else reject(new Error(`no answer within ${waitMs / 1000} s`));
    }, waitMs);
  };
  wait(deadlineMs, bytesRead());
  return { lost, end: () => clearTimeout(timer) };
}
