/** The raw HTTP client against answers that are written by hand, cut in every way. */

import { describe, expect, test } from "bun:test";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { RawConnection, requestOf } from "./raw-http.ts";
import type { Answer } from "./raw-http.ts";

/** Asks a server that writes `pieces` and closes. */
async function answered<T>(pieces: string[], read: (connection: RawConnection) => Promise<T>): Promise<T> {
  const server = createServer((socket) => {
    for (const piece of pieces) socket.write(piece);
    socket.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  using connection = await RawConnection.open(`http://127.0.0.1:${port}`);
  try {
    return await read(connection);
  } finally {
    server.close();
  }
}

async function chunksOf(answer: Answer): Promise<string[]> {
  const chunks: string[] = [];
  for (let chunk = await answer.chunk(); chunk !== null; chunk = await answer.chunk())
    chunks.push(Buffer.from(chunk).toString());
  return chunks;
}

const CHUNKED =
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n0E\r\ntwo\r\n\r\n0\r\n🦀\r\n0\r\n\r\n";

describe("RawConnection", () => {
  test("shows the chunks as the server cut them, however the network does", async () => {
    for (const pieces of [[CHUNKED], CHUNKED.match(/[^]/gu) ?? []])
      expect(await answered(pieces, async (connection) => chunksOf(await connection.answer()))).toEqual([
        "one\n",
        "two\r\n\r\n0\r\n🦀",
      ]);
  });

  test("shows the chunk sizes to a client of HTTP/1.0, as part of the body", async () => {
    const body = await answered([CHUNKED], async (connection) =>
      (await connection.answer({ version: "1.0" })).body(),
    );
    expect(body).toStartWith("4\r\none\n\r\n");
  });

  test("reads one answer after another, and expects no body after HEAD", async () => {
    const head = "HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\nX: 1\r\nx:  2 \r\n\r\n";
    await answered([head, head, "{}"], async (connection) => {
      const first = await connection.answer({ method: "HEAD" });
      expect([first.status, await first.body(), first.header("x")]).toEqual([404, "", "1, 2"]);
      const second = await connection.answer();
      expect([await second.body(), await second.chunk()]).toEqual(["{}", null]);
      expect((await connection.end()).length).toBe(0);
    });
  });

  test.each([
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n: ok\r\n", "not a chunk size"],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", "a chunk of 1 bytes is followed by"],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n", "the connection has ended"],
    ["HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", "the connection has ended"],
    ["HTTP/1.1 200 OK\nX: 1\r\n\r\n", "a bare CR or LF"],
    ["HTTP/1.1 200 OK\r\nX : 1\r\n\r\n", "not a field"],
    ["ICY 200 OK\r\n\r\n", "not a status line"],
  ])("refuses %j", async (text, why) => {
    const read = answered([text], async (connection) => (await connection.answer()).body());
    await read.then(
      () => expect.unreachable(),
      (error: Error) => expect(error.message).toContain(why),
    );
  });
});

test("requestOf() writes what it is told and nothing else", () => {
  expect(requestOf("/a", { method: "PUT", version: "1.0", host: null, headers: { a: "b" }, body: "é" })).toBe(
    "PUT /a HTTP/1.0\r\na: b\r\nContent-Length: 2\r\n\r\né",
  );
  expect(requestOf("/")).toBe("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
});
