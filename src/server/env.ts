/** What a route knows besides its request. */

/** What the runtime knows of the connection on which a request came. */
export interface Connection {
  /** @returns the other end's, null if it is not known. */
  address: () => string | null;
  /** Lets it be quiet for as long as it likes, until this request is answered. */
  allowSilence: () => void;
  /** Closes it although its client does not read. */
  cut: () => void;
}

/** As Hono wants it. */
export interface Env {
  Bindings: Connection;
}
