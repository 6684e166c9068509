/** An HTTP server on Bun or Deno: the only place that names them. */

export interface ListenOptions {
  hostname: string;
  /** 0 picks a free one. */
  port: number;
  /** @param connection the connection of the request. */
  fetch: (request: Request, connection: RequestConnection) => Response | Promise<Response>;
}

export interface RequestConnection {
  /** @returns the client's address; null if it is unknown. */
  address: () => string | null;
  /** Removes the limit on silence, for a stream. */
  allowSilence: () => void;
  /** Closes the connection even if the client does not read; ending the response would wait for the client forever. */
  cut: () => void;
}

export interface Listener {
  port: number;
  /** Refuses new connections and closes the open ones. */
  stop: () => Promise<void>;
}

/**
 * How long (s) a connection without a stream may be silent, between two requests or during an answer. For the head of a
 * request Bun has its own limit of about 12 s.
 */
const IDLE_SECONDS = 60;
/** Far more than any valid request; the routes have lower limits. */
const MAX_BODY_BYTES = 1_048_576;

interface BunServer {
  port: number;
  requestIP(request: Request): { address: string } | null;
  /** Closes the request's connection after this many seconds of silence; 0 is never. */
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

/** @throws an Error with `code` `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`, … if it cannot listen there. */
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
 * Turns HEAD into GET: both runtimes then drop the body and keep the length. On Bun, the URL of a request without a host
 * (HTTP/1.0) is only its path, so a host is added.
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

/** Deno cannot close a connection before its client does, so a response that is cut ends, and its connection stays. */
const DENO_CONNECTION: Omit<RequestConnection, "address"> = { allowSilence: quiet, cut: quiet };

/** Does nothing; as `onListen` it also keeps Deno from printing a line of its own. */
function quiet(): void {}
