/** Reads the body of a request: of the right type, small, and sent in time. */

import type { Clock } from "../../async/clock.ts";
import { Refusal } from "../refusal.ts";

export interface BodyOptions {
  /** @default 65_536 */
  maxBytes?: number;
  /** How long (ms) the client may take to send it. @default 10_000 */
  maxMs?: number;
}

/**
 * @returns the text of a JSON body.
 * @throws Refusal 415, 413, 408; 400 if the client disconnects.
 */
export async function readJsonText(
  request: Request,
  clock: Clock,
  options: BodyOptions = {},
): Promise<string> {
  const { maxBytes = 65_536, maxMs = 10_000 } = options;
  const { headers, body } = request;
  // A page of another origin cannot send this type without a preflight.
  if (!/^application\/json\s*(;|$)/i.test(headers.get("content-type") ?? ""))
    throw new Refusal(415, "Content-Type: use application/json");
  if (Number(headers.get("content-length")) > maxBytes) throw tooLarge(maxBytes);
  if (body === null) return "";
  const reader = body.getReader();
  const late = Promise.withResolvers<never>();
  const forget = clock.after(maxMs, () =>
    late.reject(new Refusal(408, `body: send it within ${maxMs / 1000} s`)),
  );
  try {
    return await Promise.race([readAll(reader, maxBytes), late.promise]);
  } catch (error) {
    if (!(error instanceof Refusal)) throw new Refusal(400, "body: it is incomplete");
    // Nothing will read the rest.
    await reader.cancel();
    throw error;
  } finally {
    forget();
  }
}

async function readAll(reader: ReadableStreamDefaultReader<Uint8Array>, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.length;
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    text += decoder.decode(value, { stream: true });
  }
}

function tooLarge(maxBytes: number): Refusal {
  return new Refusal(413, `body: send at most ${maxBytes} bytes`);
}
