/** The routes that say whether the server runs: `GET /api/ping`, `/healthz` and `/readyz`. */

import type { Readiness } from "../monitoring/readiness.ts";
import { json, UNAVAILABLE } from "../openapi/common-answers.ts";
import { route } from "../route.ts";
import type { Route } from "../route.ts";

/** Admits streams. */
export interface Gate {
  /** @throws Refusal once it is closed: a server that is stopping is not ready. */
  assertOpen: () => void;
}

export function ping(version: string, pid: number): Route {
  return route({
    method: "GET",
    path: "/api/ping",
    policy: "guarded",
    id: "ping",
    tag: "operations",
    summary: "The server's name, version and process id",
    request: {},
    answers: json("This is sessionwatch.", "Ping"),
    handle: (_input, c) => c.json({ ok: true, service: "sessionwatch", version, pid }),
  });
}

export function healthz(): Route {
  return route({
    method: "GET",
    path: "/healthz",
    policy: "open",
    id: "healthz",
    tag: "operations",
    summary: "Whether the process runs; does not read the archive",
    request: {},
    answers: json("It runs.", "Ok"),
    handle: (_input, c) => c.json({ ok: true }),
  });
}

export function readyz(gate: Gate, readiness: Readiness): Route {
  return route({
    method: "GET",
    path: "/readyz",
    policy: "open",
    id: "readyz",
    tag: "operations",
    summary: "Whether the archive can be read; answers within 2 s",
    request: {},
    answers: { ...json("It can be read.", "Ok"), ...UNAVAILABLE },
    async handle(_input, c) {
      gate.assertOpen();
      await readiness.check();
      return c.json({ ok: true });
    },
  });
}
