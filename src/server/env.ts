/** What a route gets besides its request. */

/** The connection of a request, as the runtime knows it. */
export interface ClientConnection {
  /** @returns the client's address; null if it is not known. */
  address: () => string | null;
  /** Turns off the idle timeout until this request is answered. */
  allowSilence: () => void;
  /** Closes it even if its client does not read. */
  cut: () => void;
}

/** The environment of Hono handlers. */
export interface Env {
  Bindings: ClientConnection;
}
