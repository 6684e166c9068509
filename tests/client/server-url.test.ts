import { expect, test } from "bun:test";
import { routesOf } from "../../src/client/server-url.ts";

test("routesOf() keeps the path of the server's URL", () => {
  for (const [server, routes] of [
    ["http://h:1", "http://h:1/api/v1/"],
    ["https://h/", "https://h/api/v1/"],
    ["http://h/base", "http://h/base/api/v1/"],
    ["http://h/base//", "http://h/base/api/v1/"],
  ] as const)
    expect(routesOf(server).href).toBe(routes);
});

test("routesOf() refuses invalid addresses, and never shows a password", () => {
  for (const [server, message] of [
    ["nonsense", 'not a URL: "nonsense"'],
    ["ftp://h", "ftp: is not HTTP"],
    ["http://someone:hunter2@h", "a user name or password in the URL is not supported"],
    ["http://hunter2@h", "a user name or password in the URL is not supported"],
    [
      "http://h/?token=hunter2",
      "a query or a fragment in the URL is not supported; pass a token with --token-file",
    ],
    [
      "http://h/#hunter2",
      "a query or a fragment in the URL is not supported; pass a token with --token-file",
    ],
    ["h/?token=hunter2", 'not a URL: "h/…"'],
    ["someone:hunter2@h", "someone: is not HTTP"],
    ["http//someone:hunter2@h", 'not a URL: "…@h"'],
    ["http://someone:hunter2@h:port", 'not a URL: "…@h:port"'],
  ] as const) {
    expect(() => routesOf(server)).toThrow(message);
    expect(() => routesOf(server)).not.toThrow("hunter2");
  }
});
