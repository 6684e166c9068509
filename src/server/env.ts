/** What a route knows besides its request. */

/** What the runtime knows of the connection on which a request came. */
export interface Connection {
  /** Closes it although its client does not read. */
  cut: () => void;
}

/** As Hono wants it. */
export interface Env {
  Bindings: Connection;
}
