/** A refused request: its status, one line that says what to send instead, and the headers of that status. */

import type { ContentfulStatusCode } from "hono/utils/http-status";

/** Guards and routes throw it; the app turns it into a response. */
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
