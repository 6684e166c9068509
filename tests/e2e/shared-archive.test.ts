/** One archive in PostgreSQL that several machines sync into and serve, as their users run it. */

import { hostname } from "node:os";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Sql } from "postgres";
import { PostgresServer, sharedServer } from "../support/postgres/server.ts";
import { LANES, listed, until } from "../support/program.ts";
import type { Lane } from "../support/program.ts";
import { SharedMachine } from "../support/postgres/shared-machine.ts";
import type { MachineOptions, Said } from "../support/postgres/shared-machine.ts";
import { SlowWay } from "../support/slow-way.ts";
import { SseClient } from "../support/stream-clients.ts";

/** Nothing is found by a poll: what arrives was told. */
const UNPOLLED = ["--poll-interval", "10m"];

let server: PostgresServer;
let database: string;
let db: string;
/** What an administrator does; unqualified names are the archive's. */
let sql: Sql;
let machines: SharedMachine[];

beforeEach(async () => {
  server = await sharedServer();
  machines = [];
  await createArchive();
});
afterEach(async () => {
  for (const machine of machines) machine[Symbol.dispose]();
  await sql.end();
});

async function createArchive(): Promise<void> {
  database = await server.createDatabase();
  db = server.url(database);
  sql = server.connect(database);
  expect((await machine().run("pg", "init")).code).toBe(0);
  await sql`SET search_path TO sessionwatch`;
}

function machine(name?: string, options: Partial<MachineOptions> = {}): SharedMachine {
  const made = new SharedMachine({ db, ...(name === undefined ? {} : { name }), ...options });
  machines.push(made);
  return made;
}

/** @returns the URL of the archive for a new role. @param grants the rights that it gets, as `GRANT` takes them. */
async function urlOfRole(...grants: string[]): Promise<string> {
  const role = `role_${crypto.randomUUID().replaceAll("-", "")}`;
  await sql.unsafe(`CREATE ROLE ${role} LOGIN`);
  for (const grant of grants) await sql.unsafe(`GRANT ${grant} TO ${role}`);
  return server.url(database, role);
}

const READING = ["USAGE ON SCHEMA sessionwatch", "SELECT ON ALL TABLES IN SCHEMA sessionwatch"];

/** Whose session each is, and how many messages it has. */
async function inArchive(): Promise<Record<string, string>> {
  const rows =
    await sql`SELECT id, machine || ' ' || message_count AS said FROM sessionwatch.sessions ORDER BY id`;
  return Object.fromEntries(rows.map((row) => [String(row["id"]), String(row["said"])]));
}

/** Whether no program of ours is connected. */
async function isQuiet(): Promise<boolean> {
  const connections = await sql`
    SELECT FROM pg_stat_activity WHERE datname = ${database} AND application_name LIKE 'sessionwatch %'`;
  return connections.length === 0;
}

/** The next event that is about a session, with its data. */
async function told(client: SseClient): Promise<Record<string, unknown>> {
  for (;;) {
    const { event, data } = await client.event();
    if (event.startsWith("session_")) return { ...(JSON.parse(data) as object), event };
  }
}

describe.each(LANES)("an archive that machines share ($name)", (lane: Lane) => {
  test("clients of either server are told at once what happens on both", async () => {
    const [laptop, desktop] = [machine(undefined, { lane }), machine(undefined, { lane })];
    const [here, there] = [laptop.transcript("here").user("one"), desktop.transcript("there").user("one")];
    const first = await laptop.serve("--machine", "laptop", ...UNPOLLED);
    await using _first = first.program;
    const second = await desktop.serve("--machine", "desktop", ...UNPOLLED);
    await using _second = second.program;
    for (const { url } of [first, second]) for (const { id } of [here, there]) await listed(url, id);

    await using all = await SseClient.open(`${second.url}/api/v1/watch?all=true`);
    await using desktops = await SseClient.open(`${first.url}/api/v1/watch?all=true&machine=desktop`);
    await using single = await SseClient.open(`${second.url}/api/v1/sessions/here/watch?data=json`);
    for (const client of [all, desktops, single]) await client.frame();
    const updated = (id: string, machine: string, count: number): Record<string, unknown> => ({
      event: "session_updated",
      data: id,
      machine,
      message_count: count,
    });

    here.assistant("two");
    expect(await told(all)).toMatchObject(updated("here", "laptop", 2));
    expect(await told(single)).toMatchObject(updated("here", "laptop", 2));
    there.assistant("two");
    expect(await told(all)).toMatchObject(updated("there", "desktop", 2));
    expect(await told(desktops)).toMatchObject(updated("there", "desktop", 2));
    laptop.transcript("late").user("begins later");
    expect(await told(all)).toMatchObject(updated("late", "laptop", 1));

    await sql`UPDATE sessions SET deleted_at = now() WHERE id = 'here'`;
    for (const client of [all, single])
      expect(await told(client)).toMatchObject({ event: "session_deleted", data: "here", machine: "laptop" });
    here.user("nobody wants to know");
    there.user("three");
    expect(await told(all)).toMatchObject(updated("there", "desktop", 3));
    expect(await inArchive()).toMatchObject({ here: "laptop 2" });
    expect([first.program.stderr, second.program.stderr]).toEqual([LISTENING, LISTENING]);
  });

  test("lists say whose sessions they are, and choose by that", async () => {
    const [laptop, desktop] = [machine("laptop", { lane }), machine("desktop", { lane })];
    laptop.transcript("here").user("one");
    desktop.transcript("there").user("two");
    await laptop.run("sync");
    const { stdout } = await desktop.run("list");
    expect(stdout.split("\n").toSorted()).toEqual([
      "",
      expect.stringMatching(/^here {2}.+ {2}1 {2}laptop {3}demo_app {2}one$/),
      expect.stringMatching(/^there {2}.+ {2}1 {2}desktop {2}demo_app {2}two$/),
    ]);
    expect((await desktop.run("list", "--machine", "laptop")).stdout).toMatch(/^here [^\n]+\n$/);
    expect((await desktop.run("list", "--machine", "nobody")).stdout).toBe("");
    const json = JSON.parse((await laptop.run("list", "--machine", "desktop", "--format", "json")).stdout);
    expect(json).toMatchObject({ sessions: [{ id: "there", machine: "desktop" }], total: 1 });
    const { program, url } = await laptop.serve();
    await using _program = program;
    const answer = await (await fetch(`${url}/api/v1/sessions?machine=desktop`)).json();
    expect(answer).toMatchObject({ sessions: [{ id: "there", machine: "desktop" }], total: 1 });
    expect(await (await fetch(`${url}/api/v1/sessions?machine=nobody`)).json()).toMatchObject({ total: 0 });
  });

  test("a program that follows is told of other machines' sessions, and whose they are", async () => {
    const [laptop, desktop] = [machine("laptop", { lane }), machine("desktop", { lane })];
    const here = laptop.transcript("here").user("one");
    const there = desktop.transcript("there").user("one");
    await laptop.run("sync");
    await using single = laptop.start("there", "--initial", ...UNPOLLED);
    // It is brought by the other machine only now.
    expect(await single.exit()).toBe(4);
    await using others = desktop.start("latest", "--initial", ...UNPOLLED);
    expect(await others.update()).toMatchObject({ data: "there", machine: "desktop" });
    await using all = laptop.start("--all", "--machine", "desktop", "--initial", ...UNPOLLED);
    expect(await all.update()).toMatchObject({ data: "there", machine: "desktop", message_count: 1 });
    await using one = laptop.start("there", "--initial", "--format", "text", ...UNPOLLED);
    expect(await one.line()).toMatch(/ updated +1 messages {2}there {2}on desktop$/);
    here.assistant("not chosen");
    there.assistant("two");
    expect(await all.update()).toMatchObject({ data: "there", machine: "desktop", message_count: 2 });
    expect(await one.line()).toMatch(/ updated +2 messages {2}there {2}on desktop$/);
    expect([all.stderr, one.stderr]).toEqual(["", ""]);
  });
});

describe("a machine of those that share an archive", () => {
  test("is called as it was told, or as its host", async () => {
    const unnamed = machine();
    unnamed.transcript("by-host").user("hello");
    expect(await unnamed.run("sync")).toEqual(synced(1));
    const named = machine("by variable");
    named.transcript("by-variable").user("hello");
    expect(await named.run("sync")).toEqual(synced(1));
    named.transcript("by-flag").user("hello");
    expect(await named.run("sync", "--machine", "bü flag")).toEqual(synced(1, 1));
    expect(await inArchive()).toEqual({
      "by-flag": "bü flag 1",
      "by-host": `${hostname()} 1`,
      "by-variable": "by variable 1",
    });
  });

  test.each(["", "  ", "two\nlines", "bell\u0007", "x".repeat(101)])("cannot be called %j", async (name) => {
    const laptop = machine("laptop");
    laptop.transcript("here").user("hello");
    for (const args of [["sync"], ["serve", "--port", "0"]]) {
      const { code, stderr } = await laptop.run(...args, "--machine", name);
      expect([code, stderr]).toEqual([
        2,
        expect.stringMatching(/^watch: option '--machine <name>' [^\n]+ Use a name [^\n]+\n$/),
      ]);
    }
    const misnamed = await machine(name).run("list");
    // An empty variable is as good as none.
    if (name === "") expect(misnamed).toMatchObject({ code: 0 });
    else
      expect([misnamed.code, misnamed.stderr]).toEqual([
        2,
        expect.stringMatching(/^watch: SESSIONWATCH_MACHINE: use [^\n]+\n$/),
      ]);
    expect(await inArchive()).toEqual({});
  });

  test("has nothing to do when it has synced", async () => {
    const laptop = machine("laptop");
    laptop.writeMany("s", 20);
    expect(await laptop.run("sync")).toEqual(synced(20));
    expect(await laptop.run("sync")).toEqual(synced(0));
  });

  test("catches up when it was away", async () => {
    const [laptop, desktop] = [machine("laptop"), machine("desktop")];
    const transcript = laptop.transcript("here").user("one");
    const first = await laptop.serve(...UNPOLLED);
    const other = await desktop.serve(...UNPOLLED);
    await using _other = other.program;
    await listed(other.url, "here");
    await using client = await SseClient.open(`${other.url}/api/v1/watch?all=true`);
    await client.frame();
    transcript.assistant("two");
    expect(await told(client)).toMatchObject({ data: "here", message_count: 2 });
    first.program.kill("SIGKILL");
    await first.program.exit();
    transcript.user("three").assistant("four");
    laptop.transcript("begun-meanwhile").user("one");
    const second = await laptop.serve(...UNPOLLED);
    await using _second = second.program;
    const events = [await told(client), await told(client)];
    expect(events.toSorted((a, b) => String(a["data"]).localeCompare(String(b["data"])))).toEqual([
      expect.objectContaining({ data: "begun-meanwhile", message_count: 1, machine: "laptop" }),
      expect.objectContaining({ data: "here", message_count: 4, machine: "laptop" }),
    ]);
    expect(second.program.stderr).toEqual(LISTENING);
  });

  test("leaves sessions alone that another one has brought, and counts none of them as synced", async () => {
    const [laptop, desktop] = [machine("laptop"), machine("desktop")];
    laptop.transcript("copied").user("one");
    await laptop.run("sync");
    const copy = desktop.transcript("copied").user("one").assistant("continued there");
    desktop.transcript("own").user("one");
    expect(await desktop.run("sync")).toEqual(synced(1, 1));
    expect(await desktop.run("sync")).toEqual(synced(0, 1));
    expect(await desktop.run("sync", "copied")).toEqual({
      code: 1,
      stdout: "",
      stderr: "watch: session copied is not synced: it was deleted, or belongs to another machine\n",
    });
    const { program, url } = await desktop.serve(...UNPOLLED);
    await using _program = program;
    await listed(url, "own");
    copy.user("more");
    desktop.transcript("later").user("one");
    await listed(url, "later");
    expect(await inArchive()).toEqual({ copied: "laptop 1", own: "desktop 1", later: "desktop 1" });
    expect(program.stderr).toEqual(LISTENING);
  });

  test("leaves sessions alone that were trashed or deleted, and counts none of them as synced", async () => {
    const laptop = machine("laptop");
    const [trashed, deleted] = [
      laptop.transcript("trashed").user("one"),
      laptop.transcript("deleted").user("one"),
    ];
    await laptop.run("sync");
    await sql`UPDATE sessions SET deleted_at = now() WHERE id = 'trashed'`;
    await sql`INSERT INTO excluded_sessions VALUES ('deleted')`;
    await sql`DELETE FROM sessions WHERE id = 'deleted'`;
    for (const transcript of [trashed, deleted]) transcript.assistant("two");
    expect(await laptop.run("sync")).toEqual(synced(0, 2));
    expect(await laptop.run("list")).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(await inArchive()).toEqual({ trashed: "laptop 1" });
  });
});

describe("what a role may not do in a shared archive", () => {
  test("one that may only read reads, and is told once that nothing is synced", async () => {
    const owner = machine("laptop");
    owner.transcript("here").user("one");
    await owner.run("sync");
    const reader = machine("tablet", { db: await urlOfRole(...READING) });
    reader.writeMany("own", 3);
    const refusal = "lacks INSERT, UPDATE, DELETE on sessions, messages, tool_calls, sync_state, sync_files";
    const { code, stdout, stderr } = await reader.run("sync");
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^watch: Cannot write to archive "[^\n]+\n$/);
    expect(stderr).toContain(refusal);
    for (const args of [["list"], ["latest", "--initial", "--count", "1", "--format", "text"]]) {
      const { code, stdout, stderr } = await reader.run(...args);
      expect([args, code, stdout]).toEqual([args, 0, expect.stringMatching(/here[^\n]*\n$/)]);
      expect(stderr).toMatch(/^watch: warning: Cannot write to archive "[^\n]+--no-sync[^\n]+\n$/);
      expect(await reader.run(...args, "--no-sync")).toMatchObject({ code: 0, stderr: "" });
    }
    const { program, url } = await reader.serve("--poll-interval", "20ms");
    await using _program = program;
    await using client = await SseClient.open(`${url}/api/v1/watch?all=true`);
    await client.frame();
    reader.transcript("own-0").user("not synced");
    owner.transcript("here").assistant("two");
    await owner.run("sync");
    expect(await told(client)).toMatchObject({ data: "here", machine: "laptop", message_count: 2 });
    expect(program.stderr.split("\n").filter((line) => line.includes(refusal)).length).toBe(1);
    expect(program.stderr.split("\n").length).toBe(3);
  });

  test("one that may do nothing is told so in one line", async () => {
    const stranger = machine("tablet", { db: await urlOfRole() });
    stranger.transcript().user("hello");
    for (const args of [["list"], ["sync"], ["serve", "--port", "0"], ["latest"]]) {
      const said = await stranger.run(...args);
      expect([args, said.code, said.stdout]).toEqual([args, 1, ""]);
      expect(said.stderr).toMatch(
        /^watch: Cannot read archive "[^\n]+": permission denied for schema sessionwatch\n$/,
      );
    }
  });

  test("`pg init` says who can help", async () => {
    for (const schema of ["sessionwatch", "another"]) {
      const stranger = machine("tablet", { db: `${await urlOfRole()}?schema=${schema}` });
      const { code, stdout, stderr } = await stranger.run("pg", "init");
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toMatch(
        /^watch: Cannot [^\n]+ permission denied for [^\n]+; ask the database's administrator\n$/,
      );
    }
  });
});

describe("the schema of a shared archive", () => {
  test("is newer than the program: everything says so, and stops", async () => {
    await sql`UPDATE sessionwatch_archive SET schema_version = 1000`;
    const old = machine("laptop");
    old.transcript("here").user("one");
    for (const args of [
      ["sync"],
      ["list"],
      ["list", "--no-sync"],
      ["serve", "--port", "0"],
      ["latest"],
      ["pg", "init"],
    ]) {
      const { code, stdout, stderr } = await old.run(...args);
      expect([args, code, stdout]).toEqual([args, 1, ""]);
      expect(stderr).toMatch(
        /^watch: Cannot [^\n]+: it was written by a newer sessionwatch \(schema 1000; this one knows \d+\): upgrade watch\n$/,
      );
    }
  });

  test("is older: whoever would sync is told what to do, and may read", async () => {
    const laptop = machine("laptop");
    laptop.transcript("here").user("one");
    await laptop.run("sync");
    await sql`UPDATE sessionwatch_archive SET schema_version = 0`;
    for (const args of [["sync"], ["list"], ["serve", "--port", "0"], ["latest"]]) {
      const { code, stdout, stderr } = await laptop.run(...args);
      expect([args, code, stdout]).toEqual([args, 1, ""]);
      expect(stderr).toMatch(
        /^watch: Cannot write to archive "[^\n]+": its schema version is 0, and this sessionwatch writes \d+: run `watch pg init`, or only read with --no-sync\n$/,
      );
    }
    expect(await laptop.run("list", "--no-sync")).toMatchObject({ code: 0, stderr: "" });
  });

  test("is not made where another program has its tables", async () => {
    await sql.unsafe(
      "CREATE SCHEMA agentsview; CREATE TABLE agentsview.sessions (id TEXT, message_count INTEGER)",
    );
    const laptop = machine("laptop", { db: `${db}?schema=agentsview` });
    const { code, stderr } = await laptop.run("pg", "init");
    expect([code, stderr]).toEqual([
      1,
      'watch: Cannot prepare schema "agentsview": it holds tables of another program; name another schema\n',
    ]);
    expect(await laptop.run("sync")).toMatchObject({ code: 2 });
  });

  test("is prepared again while machines sync, and nobody notices", async () => {
    const [laptop, desktop] = [machine("laptop"), machine("desktop")];
    laptop.writeMany("l", 150);
    desktop.writeMany("d", 150);
    const syncs = [laptop, desktop].map((each) => each.run("sync"));
    for (let round = 0; round < 5; round += 1)
      expect(await machine().run("pg", "init")).toMatchObject({ code: 0, stderr: "" });
    for (const sync of syncs) expect(await sync).toEqual(synced(150));
    expect(Object.keys(await inArchive()).length).toBe(300);
  });
});

describe("a shared archive that is far away, slow, or dies", () => {
  /** So many that a sync takes long, and the bytes of each. */
  const MANY = { transcripts: 32, bytes: 60_000 };

  test("shows on a terminal how far the sync is, and says at its end what it brought", async () => {
    await using way = await SlowWay.to(server.port, 20);
    const laptop = machine("laptop", { db: db.replace(`:${server.port}/`, `:${way.port}/`) });
    laptop.writeMany("s", MANY.transcripts, MANY.bytes);
    await using program = laptop.onTerminal("sync");
    expect(await program.bar((bar) => !/ 0\/32 /.test(bar))).toMatch(
      /^syncing {2}█*░+ +\d+\/32 files {2}\d\.\d\/\d\.\d MB +\d+\.\d MB\/s +\d+:\d\d left$/,
    );
    expect(await program.exit()).toBe(0);
    expect(program.stdout).toMatch(/^synced 32 transcripts, 1\.9 MB in \d+\.\d s\n$/);
    expect([program.hasCursor, program.afterTheBar]).toEqual([true, ""]);
    // Four at once, of which each asks and then brings everything.
    expect(way.roundTrips).toBeLessThan(MANY.transcripts * 2 + 30);
  });

  test.each(LANES)(
    "is consistent when a first import is stopped, and whoever stops it waits no 2 s ($name)",
    async (lane) => {
      await using way = await SlowWay.to(server.port, 40);
      const laptop = machine("laptop", { db: db.replace(`:${server.port}/`, `:${way.port}/`), lane });
      const ids = laptop.writeMany("s", MANY.transcripts, MANY.bytes);
      for (const [args, exitCode] of [
        [["sync"], 143],
        [["list"], 143],
        [["--all"], 143],
        [["serve", "--port", "0"], 0],
      ] as const) {
        // What the one before has sent may still be on its way.
        await until(isQuiet, () => "the end of all connections");
        const before = Object.keys(await inArchive()).length;
        await using program = laptop.start(...args);
        await until(
          async () => Object.keys(await inArchive()).length > before,
          () => `a first session of ${args.join(" ")}: ${program.stderr}`,
        );
        const startedMs = performance.now();
        program.kill("SIGTERM");
        const code = await program.exit();
        expect([args, code]).toEqual([args, exitCode]);
        expect(performance.now() - startedMs).toBeLessThan(2000);
        if (args[0] !== "serve") expect([program.stdout, program.stderr]).toEqual(["", ""]);
      }
      const kept = await inArchive();
      expect(Object.keys(kept).length).toBeLessThan(MANY.transcripts);
      expect(new Set(Object.values(kept))).toEqual(new Set(["laptop 2"]));
      expect(await laptop.run("sync")).toEqual(synced(ids.length - Object.keys(kept).length));
      expect(await inArchive()).toEqual(Object.fromEntries(ids.toSorted().map((id) => [id, "laptop 2"])));
    },
  );
});

describe("a shared archive whose server is restarted", () => {
  let own: PostgresServer;

  beforeEach(async () => {
    await sql.end();
    own = await PostgresServer.start();
    server = own;
    await createArchive();
  });
  afterEach(() => own[Symbol.asyncDispose]());

  test.each(["fast", "immediate"] as const)(
    "lets a sync fail in one line, and the next one bring the rest (%s)",
    async (mode) => {
      const laptop = machine("laptop");
      const ids = laptop.writeMany("s", 400, 20_000);
      await using program = laptop.start("sync");
      await until(
        async () => Object.keys(await inArchive()).length > 3,
        () => "the first sessions",
      );
      await own.stop(mode);
      expect(await program.exit()).toBe(1);
      expect(program.stderr).toMatch(
        /^watch: warning: Cannot write to archive "[^\n]+": [^\n]+; and \d+ more like it\n$/,
      );
      expect(program.stdout).toMatch(/^synced \d+ transcripts, \d\.\d MB in \d+\.\d s, \d+ failed\n$/);
      await own.resume();
      expect(await laptop.run("sync")).toMatchObject({ code: 0, stderr: "" });
      expect(await inArchive()).toEqual(Object.fromEntries(ids.toSorted().map((id) => [id, "laptop 2"])));
    },
  );

  test("goes on where it was for those that serve it, and they say each thing once", async () => {
    const [laptop, desktop] = [machine("laptop"), machine("desktop")];
    const transcript = laptop.transcript("here").user("one");
    const first = await laptop.serve();
    await using _first = first.program;
    const second = await desktop.serve();
    await using _second = second.program;
    await listed(second.url, "here");
    await using client = await SseClient.open(`${second.url}/api/v1/watch?all=true`);
    await client.frame();
    await own.stop("fast");
    transcript.assistant("written while it is away");
    laptop.writeMany("meanwhile", 30);
    expect((await client.event()).event).toBe("degraded");
    await own.resume();
    const seen = new Map<unknown, unknown>();
    await until(
      async () => {
        const event = await told(client);
        seen.set(event["data"], event["message_count"]);
        return seen.size === 31;
      },
      () => `all sessions, not only ${JSON.stringify([...seen])}; ${first.program.stderr}`,
    );
    expect(seen.get("here")).toBe(2);
    // One for each thing that was lost: what could not be synced, and what could not be read.
    expect(first.program.stderr.split("\n").length).toBeLessThan(8);
  });
});

/** How `watch sync` ends that has synced so many, and left so many alone. */
function synced(count: number, leftAlone = 0): Said {
  const what = `synced ${count} ${count === 1 ? "transcript" : "transcripts"}, `;
  const others = leftAlone === 0 ? "" : `; ${leftAlone} not synced: deleted, or of another machine`;
  const line = new RegExp(String.raw`^${what}\d+\.\d MB in \d+\.\d s${others}\n$`);
  return { code: 0, stdout: expect.stringMatching(line), stderr: "" };
}

const LISTENING = expect.stringMatching(/^watch: listening on [^\n]+\n$/);
