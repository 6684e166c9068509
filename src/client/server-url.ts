/** The address of a server. */

import { WatchError } from "../errors.ts";

const TOKEN_ADVICE = "pass a token with --token-file or SESSIONWATCH_TOKEN";

/** @returns the URL that its routes start with. @throws WatchError `usage`, never with a password or a query. */
export function routesOf(server: string): URL {
  const url = URL.parse(server);
  if (url === null) {
    const shown = JSON.stringify(server.replace(/^.*@/s, "…@").replace(/[?#].*$/s, "…"));
    throw new WatchError("usage", `--server: not a URL: ${shown}; use one such as http://127.0.0.1:7373`);
  }
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw new WatchError("usage", `--server: ${url.protocol} is not HTTP; use http:// or https://`);
  if (url.username !== "" || url.password !== "")
    throw new WatchError(
      "usage",
      `--server: a user name or password in the URL is not supported; ${TOKEN_ADVICE}`,
    );
  if (url.search !== "" || url.hash !== "")
    throw new WatchError(
      "usage",
      `--server: a query or a fragment in the URL is not supported; ${TOKEN_ADVICE}`,
    );
  return new URL(`${url.pathname.replace(/\/*$/, "")}/api/v1/`, url.origin);
}
