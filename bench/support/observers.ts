/** The two ways to follow a session, each noting when an update arrives. */

import { createParser } from "eventsource-parser";
import { Program, serve } from "../../tests/support/program.ts";
import { Arrivals } from "./arrivals.ts";
import { laneOf } from "./lane.ts";

export interface ObserverOptions {
  binary: string;
  /** What the program sees of its surroundings. */
  env: Record<string, string>;
  /** Session to follow. */
  id: string;
  /** Further flags of the program. */
  args: string[];
}

export interface Observer extends AsyncDisposable {
  arrivals: Arrivals;
}

/** Starts an observer, and resolves once it is subscribed. */
export type Observe = (options: ObserverOptions) => Promise<Observer>;

/** By name, as it stands in the table. */
export const OBSERVERS: Record<string, Observe> = { "NDJSON line": observeLines, "SSE frame": observeFrames };

/** `watch <id>`: an update has arrived when its line was read from the pipe. */
export async function observeLines({ binary, env, id, args }: ObserverOptions): Promise<Observer> {
  const arrivals = new Arrivals();
  const program = new Program(laneOf(binary), [id, "--initial", ...args], env);
  // The first line says that everything after it is an update.
  note(await program.line(), arrivals);
  const closing = new AbortController();
  const reading = readLines(program, closing.signal, (line) => note(line, arrivals));
  return {
    arrivals,
    async [Symbol.asyncDispose]() {
      closing.abort();
      await program[Symbol.asyncDispose]();
      await reading;
    },
  };
}

/** A client of `watch serve`: an update has arrived when its frame is complete. */
export async function observeFrames({ binary, env, id, args }: ObserverOptions): Promise<Observer> {
  const arrivals = new Arrivals();
  const { program, url } = await serve(laneOf(binary), env, args);
  const closing = new AbortController();
  const address = `${url}/api/v1/sessions/${encodeURIComponent(id)}/watch?data=json`;
  const response = await fetch(address, { signal: closing.signal });
  if (!response.ok || response.body === null) throw new Error(`${address}: status ${response.status}`);
  const reading = readFrames(response.body, (data) => note(data, arrivals)).catch((error: unknown) => {
    if (!closing.signal.aborted) throw error;
  });
  return {
    arrivals,
    async [Symbol.asyncDispose]() {
      closing.abort();
      await reading;
      await program[Symbol.asyncDispose]();
    },
  };
}

/** @throws when the program ends before `signal` aborts. */
async function readLines(
  program: Program,
  signal: AbortSignal,
  onLine: (line: string) => void,
): Promise<void> {
  try {
    while (!signal.aborted) onLine(await program.line());
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function readFrames(body: ReadableStream<Uint8Array>, onUpdate: (data: string) => void): Promise<void> {
  const parser = createParser({
    onEvent: ({ event, data }) => {
      if (event === "session_updated") onUpdate(data);
    },
  });
  const decoder = new TextDecoder();
  for await (const chunk of body) parser.feed(decoder.decode(chunk, { stream: true }));
}

function note(json: string, arrivals: Arrivals): void {
  const { message_count: messageCount } = JSON.parse(json) as { message_count?: number };
  // Heartbeats count no messages.
  if (messageCount !== undefined) arrivals.add(messageCount);
}
