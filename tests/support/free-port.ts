/** Ports for servers that are stopped and started again. */

import { createServer } from "node:net";

/** None of these is given to whoever asks for any port, or connects: while the server is down, nobody takes it. */
const FIRST = 10_000;
const COUNT = 20_000;
const TRIES = 100;

/** @returns a port of this machine on which nobody listens. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if (await isFree(port)) return port;
  }
  throw new Error("no port is free");
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
