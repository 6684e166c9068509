/** An HTTP server on whichever runtime this is: the only place that names Bun or Deno. */

export interface ListenOptions {
  hostname: string;
  /** 0 means any free one. */
  port: number;
  /** @param connection the one on which the request came. */
  fetch: (request: Request, connection: Connection) => Response | Promise<Response>;
}

export interface Connection {
  /** Closes it although its client does not read: ending the response would wait for that client for ever. */
  cut: () => void;
}

export interface Listener {
  port: number;
  /** Refuses new connections and cuts those that are left. */
  stop: () => Promise<void>;
}

interface BunServer {
  port: number;
  /** Closes the request's connection when nothing has passed on it for so many seconds. */
  timeout(request: Request, seconds: number): void;
  stop(force: boolean): Promise<void>;
}

interface BunGlobal {
  serve(options: {
    hostname: string;
    port: number;
    idleTimeout: number;
    fetch: (request: Request, server: BunServer) => Response | Promise<Response>;
  }): BunServer;
}

interface DenoGlobal {
  serve(
    options: { hostname: string; port: number; onListen: () => void; signal: AbortSignal },
    handler: (request: Request) => Response | Promise<Response>,
  ): { addr: { port: number }; finished: Promise<void> };
}

const runtime = globalThis as { Bun?: BunGlobal; Deno?: DenoGlobal };

/** @throws an Error with `code` `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`, … when the address cannot be had. */
export function listen(options: ListenOptions): Listener {
  if (runtime.Bun !== undefined) return listenOnBun(runtime.Bun, options);
  if (runtime.Deno !== undefined) return listenOnDeno(runtime.Deno, options);
  throw new Error("watch serve needs Bun or Deno");
}

function listenOnBun(bun: BunGlobal, { hostname, port, fetch }: ListenOptions): Listener {
  const server = bun.serve({
    hostname,
    port,
    // Bun would cut a quiet stream after 10 s otherwise.
    idleTimeout: 0,
    fetch: (request, self) => fetch(request, { cut: () => self.timeout(request, 1) }),
  });
  return { port: server.port, stop: () => server.stop(true) };
}

function listenOnDeno(deno: DenoGlobal, { hostname, port, fetch }: ListenOptions): Listener {
  const stopping = new AbortController();
  const { addr, finished } = deno.serve(
    { hostname, port, onListen: quiet, signal: stopping.signal },
    (request) => fetch(request, DENO_CONNECTION),
  );
  return {
    port: addr.port,
    stop() {
      stopping.abort();
      return finished;
    },
  };
}

/** Deno offers no such thing: the response ends, and its connection stays until the client goes. */
const DENO_CONNECTION: Connection = { cut: () => undefined };

/** Deno would print a line of its own. */
function quiet(): void {}
