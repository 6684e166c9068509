/** A guard's no: its status, one line that says what would be right, and the headers that belong to the status. */

import type { ContentfulStatusCode } from "hono/utils/http-status";

/** Thrown by guards and routes alike; the app turns it into a response. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly status: ContentfulStatusCode;
  readonly headers: Record<string, string>;

  constructor(status: ContentfulStatusCode, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}
