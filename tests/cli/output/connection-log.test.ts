import { expect, test } from "bun:test";
import type { Logger } from "@logtape/logtape";
import type { ConnectionEvent } from "../../../src/client/connection-event.ts";
import { ServerFailure } from "../../../src/client/server-failure.ts";
import { logConnection } from "../../../src/cli/output/connection-log.ts";

test.each([
  [
    { kind: "lost", origin: "http://h", forMs: 5000, reason: "connection refused" },
    "warning: no connection to http://h for 5 s (connection refused), still trying",
  ],
  [{ kind: "restored", origin: "http://h" }, "info: connected to http://h again"],
  [
    {
      kind: "retrying",
      origin: "http://h",
      failure: new ServerFailure("cannot reach http://h: connection lost", "connection lost"),
      waitMs: 1240,
    },
    "debug: cannot reach http://h: connection lost, retrying in 1.2 s",
  ],
] satisfies [ConnectionEvent, string][])("logConnection() logs %o", (event, line) => {
  const lines: string[] = [];
  const at = (level: string) => (text: string) => void lines.push(`${level}: ${text}`);
  const log = { warning: at("warning"), info: at("info"), debug: at("debug") };
  logConnection(log as unknown as Logger, event);
  expect(lines).toEqual([line]);
});
