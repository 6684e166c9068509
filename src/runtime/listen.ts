/** An HTTP server on whichever runtime this is: the only place that names Bun or Deno. */

export interface ListenOptions {
  hostname: string;
  /** 0 means any free one. */
  port: number;
  /** @param connection the one on which the request came. */
  fetch: (request: Request, connection: Connection) => Response | Promise<Response>;
}

export interface Connection {
  /** @returns the other end's, null if it is not known. */
  address: () => string | null;
  /** Lets it be quiet for as long as it likes. */
  allowSilence: () => void;
  /** Closes it although its client does not read: ending the response would wait for that client for ever. */
  cut: () => void;
}

export interface Listener {
  port: number;
  /** Refuses new connections and cuts those that are left. */
  stop: () => Promise<void>;
}

/**
 * How long (s) a connection may be quiet that carries no stream: between two requests, or while one is answered. For the
 * head of a request Bun has a limit of its own, about 12 s.
 */
const IDLE_SECONDS = 60;
/** Nothing that is sent to us is that long; the routes have narrower limits. */
const MAX_BODY_BYTES = 1_048_576;

interface BunServer {
  port: number;
  requestIP(request: Request): { address: string } | null;
  /** Closes the request's connection when nothing has passed on it for so many seconds; 0 is never. */
  timeout(request: Request, seconds: number): void;
  stop(force: boolean): Promise<void>;
}

interface BunGlobal {
  serve(options: {
    hostname: string;
    port: number;
    idleTimeout: number;
    maxRequestBodySize: number;
    fetch: (request: Request, server: BunServer) => Response | Promise<Response>;
  }): BunServer;
}

interface DenoInfo {
  remoteAddr: { hostname?: string };
}

interface DenoGlobal {
  serve(
    options: { hostname: string; port: number; onListen: () => void; signal: AbortSignal },
    handler: (request: Request, info: DenoInfo) => Response | Promise<Response>,
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
    idleTimeout: IDLE_SECONDS,
    maxRequestBodySize: MAX_BODY_BYTES,
    fetch: (request, self) =>
      fetch(plain(request), {
        address: () => self.requestIP(request)?.address ?? null,
        allowSilence: () => self.timeout(request, 0),
        cut: () => self.timeout(request, 1),
      }),
  });
  return { port: server.port, stop: () => server.stop(true) };
}

/**
 * HEAD is asked as GET: either runtime then drops the body by itself, ends it, and says the length that GET would say.
 * The URL of a request without a host, as HTTP/1.0 knows it, is on Bun its path alone.
 */
function plain(request: Request): Request {
  const { url, method } = request;
  const isPath = url.startsWith("/");
  if (!isPath && method !== "HEAD") return request;
  const target = isPath ? `http://localhost${url}` : url;
  return new Request(target, {
    method: method === "HEAD" ? "GET" : method,
    headers: request.headers,
    body: request.body,
  });
}

function listenOnDeno(deno: DenoGlobal, { hostname, port, fetch }: ListenOptions): Listener {
  const stopping = new AbortController();
  const { addr, finished } = deno.serve(
    { hostname, port, onListen: quiet, signal: stopping.signal },
    (request, { remoteAddr }) =>
      fetch(plain(request), { ...DENO_CONNECTION, address: () => remoteAddr.hostname ?? null }),
  );
  return {
    port: addr.port,
    stop() {
      stopping.abort();
      return finished;
    },
  };
}

/**
 * Deno closes no connection before its client does, be it silent or slow, and offers nothing to do so: a response that
 * is cut ends, and its connection stays.
 */
const DENO_CONNECTION: Omit<Connection, "address"> = { allowSilence: quiet, cut: quiet };

/** What there is nothing to do for; as `onListen` it keeps Deno from printing a line of its own. */
function quiet(): void {}
