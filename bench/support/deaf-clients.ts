/** Clients that send a request and never read what comes: sockets of the C library, because Bun's own read by themselves. */

import { dlopen, ptr } from "bun:ffi";

const AF_INET = 2;
const SOCK_STREAM = 1;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
/** Bytes; the kernel makes it the smallest that it allows. */
const RECEIVE_BUFFER = 1;

export class DeafClients {
  readonly #c = openLibrary();
  #sockets: number[] = [];

  /** Connects so many more to a port of this machine. */
  connect(port: number, request: string, count: number): void {
    const bytes = Buffer.from(request);
    const address = addressOf(port);
    for (let client = 0; client < count; client += 1) {
      const socket = this.#c.socket(AF_INET, SOCK_STREAM, 0);
      const size = new Int32Array([RECEIVE_BUFFER]);
      this.#c.setsockopt(socket, SOL_SOCKET, SO_RCVBUF, ptr(size), size.byteLength);
      if (this.#c.connect(socket, ptr(address), address.length) !== 0) throw new Error("cannot connect");
      this.#c.write(socket, ptr(bytes), bytes.length);
      this.#sockets.push(socket);
    }
  }

  hangUp(): void {
    for (const socket of this.#sockets) this.#c.close(socket);
    this.#sockets = [];
  }
}

function openLibrary() {
  const { symbols } = dlopen("libc.so.6", {
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
    connect: { args: ["i32", "ptr", "u32"], returns: "i32" },
    write: { args: ["i32", "ptr", "u64"], returns: "i64" },
    close: { args: ["i32"], returns: "i32" },
  });
  return symbols;
}

/** A sockaddr_in of 127.0.0.1. */
function addressOf(port: number): Uint8Array {
  const address = new Uint8Array(16);
  const view = new DataView(address.buffer);
  view.setUint16(0, AF_INET, true);
  view.setUint16(2, port, false);
  view.setUint32(4, 0x7f_00_00_01, false);
  return address;
}
