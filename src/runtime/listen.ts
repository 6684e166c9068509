/** An HTTP server on whichever runtime this is: the only place that names Bun or Deno. */

export interface ListenOptions {
  hostname: string;
  /** 0 means any free one. */
  port: number;
  fetch: (request: Request) => Response | Promise<Response>;
}

export interface Listener {
  port: number;
  /** Refuses new connections and cuts those that are left. */
  stop: () => Promise<void>;
}

interface BunGlobal {
  serve(options: ListenOptions & { idleTimeout: number }): {
    port: number;
    stop(force: boolean): Promise<void>;
  };
}

interface DenoGlobal {
  serve(
    options: { hostname: string; port: number; onListen: () => void; signal: AbortSignal },
    handler: ListenOptions["fetch"],
  ): { addr: { port: number }; finished: Promise<void> };
}

const runtime = globalThis as { Bun?: BunGlobal; Deno?: DenoGlobal };

/** @throws an Error with `code` `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`, … when the address cannot be had. */
export function listen(options: ListenOptions): Listener {
  if (runtime.Bun !== undefined) return listenOnBun(runtime.Bun, options);
  if (runtime.Deno !== undefined) return listenOnDeno(runtime.Deno, options);
  throw new Error("watch serve needs Bun or Deno");
}

function listenOnBun(bun: BunGlobal, options: ListenOptions): Listener {
  // Bun would cut a quiet stream after 10 s otherwise.
  const server = bun.serve({ ...options, idleTimeout: 0 });
  return { port: server.port, stop: () => server.stop(true) };
}

function listenOnDeno(deno: DenoGlobal, { hostname, port, fetch }: ListenOptions): Listener {
  const stopping = new AbortController();
  const { addr, finished } = deno.serve({ hostname, port, onListen: quiet, signal: stopping.signal }, fetch);
  return {
    port: addr.port,
    stop() {
      stopping.abort();
      return finished;
    },
  };
}

/** Deno would print a line of its own. */
function quiet(): void {}
