/**
 * What any HTTP client may expect of `watch serve`, byte for byte, by the standard of Server-Sent Events, RFC 9110 and
 * RFC 9112 (HTTP/1), and section 4 of the design.
 */

import { afterAll, beforeAll, describe } from "bun:test";
import type { Lane } from "../support/program.ts";
import { theBodiesOfStreams } from "./sse/bodies.ts";
import { connectionsAndMethods } from "./sse/connections.ts";
import { cursorsAndIds } from "./sse/cursors.ts";
import { theHeadsOfStreams } from "./sse/heads.ts";
import { SseServer } from "./sse/server.ts";
import { theEndOfStreams } from "./sse/stop.ts";
import { bothVersionsOfHttp } from "./sse/versions.ts";

export function sseContract(lane: Lane): void {
  describe(`the SSE server keeps to its standards (${lane.name}):`, () => {
    const server = new SseServer(lane);
    beforeAll(() => server.start());
    afterAll(() => server[Symbol.asyncDispose]());

    theHeadsOfStreams(server);
    theBodiesOfStreams(server);
    bothVersionsOfHttp(server);
    connectionsAndMethods(server);
    cursorsAndIds(server);
    theEndOfStreams(server);
  });
}
