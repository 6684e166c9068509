/** `watch pg`: what it says, and with which exit code. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { PostgresForeignArchive } from "../support/postgres/foreign-archive.ts";
import { sharedServer } from "../support/postgres/server.ts";
import { BINARY, LANES, Program } from "../support/program.ts";
import type { Lane } from "../support/program.ts";
import { Workspace } from "../support/workspace.ts";

let workspace: Workspace;

beforeAll(() => {
  workspace = new Workspace();
});
afterAll(() => workspace[Symbol.dispose]());

async function run(lane: Lane, args: string[], env: Record<string, string> = {}) {
  await using program = new Program(lane, ["pg", ...args], { ...workspace.env, ...env });
  const code = await program.exit();
  return { code, stdout: program.stdout, stderr: program.stderr };
}

async function triggersOf({ sql }: PostgresForeignArchive): Promise<number> {
  return (await sql`SELECT FROM pg_trigger WHERE tgname LIKE 'sessionwatch%'`).length;
}

describe.each(LANES)("watch pg install ($name)", (lane) => {
  test("adds the triggers, renews them, and takes them away: a line for each", async () => {
    await using archive = await PostgresForeignArchive.create(await sharedServer());
    const where = `schema "agentsview" of postgres://127.0.0.1:${new URL(archive.url).port}/${archive.database}`;
    const told = `the triggers in ${where} notify changes of sessions at once\n`;
    const done = (stdout: string) => ({ code: 0, stdout, stderr: "" });
    const install = ["install", "--db", archive.url];
    expect(await run(lane, install)).toEqual(done(`installed: ${told}`));
    expect(await triggersOf(archive)).toBeGreaterThan(0);
    expect(await run(lane, install)).toEqual(done(`renewed: ${told}`));
    const remove = ["install", "--remove"];
    const env = { SESSIONWATCH_DB: archive.url };
    expect(await run(lane, remove, env)).toEqual(
      done(`removed: polls find the changes of sessions in ${where}\n`),
    );
    expect(await triggersOf(archive)).toBe(0);
    expect(await run(lane, remove, env)).toEqual(
      done(`nothing to remove: ${where} has no triggers of sessionwatch\n`),
    );
  });

  test("fails where there is no archive, and no server", async () => {
    const server = await sharedServer();
    const empty = server.url(await server.createDatabase());
    for (const url of [empty, `${empty}?schema=nowhere`, "postgres://me:secret@127.0.0.1:1/none"]) {
      const { code, stdout, stderr } = await run(lane, ["install", "--db", url]);
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toMatch(/^watch: Cannot [^\n]+\n$/);
      expect(stderr).not.toContain("secret");
    }
  });
});

describe.each(LANES)("watch pg init ($name)", (lane) => {
  test("creates an archive, with triggers, and leaves one that is there", async () => {
    const server = await sharedServer();
    const database = await server.createDatabase();
    const where = `schema "sessionwatch" of postgres://127.0.0.1:${server.port}/${database}`;
    const init = ["init", "--db", server.url(database)];
    expect(await run(lane, init)).toEqual({
      code: 0,
      stdout: `created: \`watch\` can now sync into ${where}\n`,
      stderr: "",
    });
    expect(await run(lane, init)).toEqual({ code: 0, stdout: `up to date: ${where}\n`, stderr: "" });
    for (const args of [["install"], ["install", "--remove"]]) {
      const { code, stderr } = await run(lane, [...args, "--db", server.url(database)]);
      expect([code, stderr]).toEqual([2, expect.stringContaining("the archive is our own")]);
    }
  });

  test("takes no schema that is somebody else's, and a server that is there", async () => {
    await using archive = await PostgresForeignArchive.create(await sharedServer());
    for (const url of [`${archive.url}?schema=agentsview`, "postgres://me:secret@127.0.0.1:1/none"]) {
      const { code, stdout, stderr } = await run(lane, ["init", "--db", url]);
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toMatch(/^watch: Cannot [^\n]+\n$/);
      expect(stderr).not.toContain("secret");
    }
  });
});

describe("watch pg (binary)", () => {
  test.each([[[]], [["--db", "sqlite:sessions.db"]], [["--db", "me:secret@host"]]])(
    "install wants a PostgreSQL archive: %p",
    async (args) => {
      const { code, stdout, stderr } = await run(BINARY, ["install", ...args]);
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(
        /^watch: pg install: name a PostgreSQL archive with --db or SESSIONWATCH_DB,[^\n]+\n$/,
      );
      expect(stderr).not.toContain("secret");
    },
  );

  test.each([[["init"]], [["install"]], [["install", "--remove"]]])(
    "%p takes no archive without --db before it, where another one is the default",
    async (command) => {
      const env = { SESSIONWATCH_DB: "postgres://me@127.0.0.1:1/default" };
      const args = [...command, "postgres://me:secret@host/meant"];
      const { code, stdout, stderr } = await run(BINARY, args, env);
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(/^watch: too many arguments for '[^\n]+\n$/);
      expect(stderr).not.toContain("secret");
    },
  );

  test("install works in the schema that is named", async () => {
    await using archive = await PostgresForeignArchive.create(await sharedServer(), {
      schema: "an ünusual one",
    });
    const url = `${archive.url}?schema=${encodeURIComponent(archive.schema)}`;
    expect(await run(BINARY, ["install", "--db", url])).toMatchObject({ code: 0 });
    expect(await triggersOf(archive)).toBeGreaterThan(0);
  });

  test("says what there is", async () => {
    expect(await run(BINARY, [])).toMatchObject({
      code: 2,
      stderr: "watch: pg: missing <command>; see `watch pg --help`\n",
    });
    expect(await run(BINARY, ["instal"])).toMatchObject({
      code: 2,
      stderr: "watch: pg: unknown command 'instal'; see `watch pg --help`\n",
    });
    const help = await run(BINARY, ["--help"]);
    expect([help.code, help.stdout]).toEqual([0, expect.stringContaining("install [options]")]);
    expect(help.stdout).toContain("init");
    const { stdout } = await run(BINARY, ["install", "--help"]);
    expect(stdout).toContain("Usage: watch pg install [options]");
    expect(stdout).toContain("--remove");
    expect(stdout).toContain("needs TRIGGER on the table sessions and CREATE on the schema");
  });
});
