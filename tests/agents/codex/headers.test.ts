import { describe, expect, test } from "bun:test";
import { event, header, turnContext } from "../../support/codex.ts";
import type { CodexRecord } from "../../support/codex.ts";
import { parse, THREAD } from "../../support/codex-parsing.ts";

describe("parse(), headers", () => {
  test("links a subagent to the thread that has spawned it, also if it was forked from another", () => {
    const source = { subagent: { thread_spawn: { parent_thread_id: "parent", depth: 1 } } };
    for (const fields of [{ source }, { parent_thread_id: "parent", forked_from_id: "other" }])
      expect(parse([header(THREAD, fields)]).state.facts).toMatchObject({
        parentSessionId: "codex:parent",
        relationshipType: "subagent",
        isAutomated: false,
      });
  });

  test("knows the program's own helpers", () => {
    for (const subagent of ["review", { other: "guardian" }])
      expect(parse([header(THREAD, { source: { subagent } })]).state.facts).toMatchObject({
        relationshipType: "subagent",
        isAutomated: true,
      });
  });

  test("takes the first header for the thread's own", () => {
    const parent = header("parent", { cwd: "/elsewhere", cli_version: "0.1.0", git: { branch: "other" } });
    const { facts } = parse([header(THREAD), parent, header(THREAD, { cwd: "/late" })]).state;
    expect(facts).toMatchObject({ gitBranch: "main", sourceVersion: "0.130.0", project: "demo_app" });
  });

  test("takes the folder of the first turn where the header names none", () => {
    const { facts } = parse([header(THREAD, { cwd: undefined }), turnContext("m")]).state;
    expect(facts).toMatchObject({ cwd: "/home/someone/projects/demo-app", project: "demo_app" });
  });

  test("takes the thread's own name, not that of the parent whose lines were copied", () => {
    const named = (thread_id: string, thread_name: string): CodexRecord =>
      event("thread_name_updated", { thread_id, thread_name });
    const { facts } = parse([named(THREAD, "mine"), named("parent", "theirs")]).state;
    expect(facts.displayName).toBe("mine");
  });
});
