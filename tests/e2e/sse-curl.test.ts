/** `watch serve` with curl, where the machine has it. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { ForeignArchive } from "../support/archives.ts";
import { EventStream } from "../support/event-stream.ts";
import type { Message } from "../support/event-stream.ts";
import { LANES, serve, until, within } from "../support/program.ts";
import { because } from "../support/unless.ts";
import { Workspace } from "../support/workspace.ts";

let workspace: Workspace;
let archive: ForeignArchive;

beforeEach(() => {
  workspace = new Workspace();
  archive = new ForeignArchive(workspace.path("view.db"));
});
afterEach(() => {
  archive[Symbol.dispose]();
  workspace[Symbol.dispose]();
});

const NO_CURL = Bun.which("curl") === null ? "this machine has no curl" : null;

describe.skipIf(NO_CURL !== null).each(LANES)(`curl ($name)${because(NO_CURL)}`, (lane) => {
  test.each([["--http1.1"], ["--http1.0"], ["--compressed"]])(
    "-N %s prints events as they come",
    async (flag) => {
      archive.add("a");
      const { program, url } = await serve(lane, workspace.env, ["--db", archive.path]);
      await using _program = program;
      await using curl = new Curl("-N", flag, `${url}/api/v1/sessions/a/watch`);
      await curl.printed("\n\n");
      for (const count of [1, 2]) {
        archive.touch("a");
        await until(
          () => curl.updates.length === count,
          () => `event ${count} in ${JSON.stringify(curl.text)}`,
        );
      }
      expect(curl.updates.map(({ type, data }) => [type, data])).toEqual([
        ["session_updated", "a"],
        ["session_updated", "a"],
      ]);
      program.kill("SIGTERM");
      // 18 would be an incomplete transfer.
      expect(await curl.exit()).toBe(0);
    },
  );

  test("-I is answered, and -f fails for an unknown session", async () => {
    archive.add("a");
    const { program, url } = await serve(lane, workspace.env, ["--db", archive.path]);
    await using _program = program;
    await using head = new Curl("-I", `${url}/api/v1/sessions/a/watch`);
    expect(await head.exit()).toBe(0);
    expect(head.text).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*content-type: text\/event-stream\r\n/i);
    await using unknown = new Curl("-f", `${url}/api/v1/sessions/nobody/watch`);
    // 22: the server answered with an error.
    expect([await unknown.exit(), unknown.text]).toEqual([22, ""]);
  });
});

/** curl, and what it has printed so far. */
class Curl implements AsyncDisposable {
  readonly events = new EventStream();
  text = "";
  readonly #process: Bun.Subprocess<"ignore", "pipe", "inherit">;
  readonly #read: Promise<void>;

  constructor(...args: string[]) {
    this.#process = Bun.spawn(["curl", "--silent", "--noproxy", "*", ...args], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    });
    this.#read = this.#readOutput();
  }

  /** What was printed but heartbeats. */
  get updates(): Message[] {
    return this.events.messages.filter(({ type }) => type !== "heartbeat");
  }

  async printed(text: string): Promise<void> {
    await until(
      () => this.text.includes(text),
      () => `${JSON.stringify(text)} in ${JSON.stringify(this.text)}`,
    );
  }

  async exit(): Promise<number> {
    const code = await within(this.#process.exited, () => "the end of curl");
    await this.#read;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.exited;
  }

  async #readOutput(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#process.stdout) {
      this.text += decoder.decode(chunk, { stream: true });
      this.events.feed(chunk);
    }
  }
}
