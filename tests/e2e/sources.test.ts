/** Sessions in a database and in documents, followed while another program writes them. */

import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { OpenCodeDatabase } from "../support/opencode.ts";
import { LANES, Program } from "../support/program.ts";
import { Workspace } from "../support/workspace.ts";

const HEADER = "\n# aider chat started at 2026-05-01 10:00:00\n\n";

let workspace: Workspace;
beforeEach(() => {
  workspace = new Workspace();
});
afterEach(() => workspace[Symbol.dispose]());

describe.each(LANES)("sessions elsewhere than in lines ($name)", (lane) => {
  test("of OpenCode are told of as soon as they are committed", async () => {
    using database = new OpenCodeDatabase(workspace.home);
    await using program = new Program(lane, [database.id, "--initial"], workspace.env);
    const first = await program.update();
    expect(first).toMatchObject({ event: "session_updated", data: database.id, message_count: 3 });
    for (let n = 1; n <= 3; n += 1) {
      database.prompt(`prompt ${n}`);
      expect(await program.update()).toMatchObject({ data: database.id, message_count: 3 + n });
    }
  });

  test("of OpenCode are listed with all others", async () => {
    using database = new OpenCodeDatabase(workspace.home);
    await using program = new Program(lane, ["list", "--format", "json"], workspace.env);
    const { sessions } = (await program.json()) as { sessions: { id: string; agent: string }[] };
    expect(sessions.map(({ id }) => id)).toContain(database.id);
    expect(sessions.every(({ agent }) => agent === "opencode")).toBe(true);
  });

  test("of Aider are found in the folder that the program is started in, and followed", async () => {
    const project = join(workspace.home, "app");
    const history = join(project, ".aider.chat.history.md");
    mkdirSync(project);
    writeFileSync(history, `${HEADER}#### first  \n\nYes.\n\n`);
    await using program = new Program(lane, ["latest", "--initial"], workspace.env, project);
    expect(await program.update()).toMatchObject({
      data: expect.stringMatching(/^aider:/),
      message_count: 2,
    });
    appendFileSync(history, "#### second  \n\n");
    expect(await program.update()).toMatchObject({ message_count: 3 });
  });

  test("of Aider are synced by the path of their history", async () => {
    const project = join(workspace.home, "app");
    mkdirSync(project);
    writeFileSync(
      join(project, ".aider.chat.history.md"),
      `${HEADER}#### first  \n\n${HEADER}#### second  \n\n`,
    );
    await using program = new Program(lane, ["sync", ".aider.chat.history.md"], workspace.env, project);
    expect(await program.exit()).toBe(0);
    await using listing = new Program(
      lane,
      ["list", "--format", "json", "--no-sync"],
      workspace.env,
      project,
    );
    const { sessions } = (await listing.json()) as { sessions: { id: string }[] };
    expect(sessions.map(({ id }) => id.at(-1)).sort()).toEqual(["1", "2"]);
  });

  test("of Aider are followed one by one: a new run says nothing of the one before", async () => {
    const project = join(workspace.home, "app");
    const history = join(project, ".aider.chat.history.md");
    mkdirSync(project);
    writeFileSync(history, `${HEADER}#### first  \n\nYes.\n\n${HEADER}#### second  \n\n`);
    await using program = new Program(lane, ["--all", "--initial"], workspace.env, project);
    for (const run of [1, 2]) expect((await program.update())["data"]).toEndWith(`:${run}`);
    appendFileSync(history, "Indeed.\n\n");
    expect(await program.update()).toMatchObject({ data: expect.stringMatching(/:2$/), message_count: 2 });
  });
});
