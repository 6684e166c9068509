import { expect, test } from "bun:test";
import { resolveId } from "../../src/watch/resolve.ts";

function among(...ids: string[]) {
  return {
    has: async (id: string) => ids.includes(id),
    latest: async () => ids[0] ?? null,
    idsStartingWith: async (prefix: string, limit: number) =>
      ids
        .filter((id) => id.startsWith(prefix) || id.slice(id.indexOf(":") + 1).startsWith(prefix))
        .slice(0, limit),
  };
}

test("resolveId() prefers an exact id to a prefix of others", async () => {
  expect(await resolveId("a", among("ab", "a"))).toBe("a");
  expect(await resolveId("a", among("codex:ab", "codex:a"))).toBe("codex:a");
  expect(await resolveId("latest", among("newest", "latest"))).toBe("latest");
});

test("resolveId() finds the latest, an id without its agent's name, and a unique prefix", async () => {
  expect(await resolveId("latest", among("b", "a"))).toBe("b");
  expect(await resolveId("019e", among("codex:019e-1", "x"))).toBe("codex:019e-1");
  expect(await resolveId("codex:0", among("codex:019e-1", "x"))).toBe("codex:019e-1");
});

test("resolveId() names the candidates, ten at most", async () => {
  const two = resolveId("a", among("a1", "codex:a1", "b"));
  await expect(two).rejects.toMatchObject({
    code: "session_ambiguous",
    message: "several sessions begin with a:\n  a1\n  codex:a1",
  });
  const many = await resolveId("a", among(...Array.from({ length: 30 }, (_, index) => `a${index}`))).catch(
    String,
  );
  expect(many.split("\n").length).toBe(12);
  expect(many).toEndWith("\n  …");
  await expect(resolveId("a", among("a\n1", "a2"))).rejects.toMatchObject({
    message: expect.stringContaining("\n  a\\n1\n  a2"),
  });
});

test("resolveId() throws session_not_found for what is not there, and for nothing", async () => {
  for (const wanted of ["x", ""]) {
    await expect(resolveId(wanted, among("a"))).rejects.toMatchObject({ code: "session_not_found" });
  }
  await expect(resolveId("latest", among())).rejects.toMatchObject({ code: "session_not_found" });
});
