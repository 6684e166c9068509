import { expect, test } from "bun:test";
import { onChange, oncePer } from "../../src/async/once.ts";

test("oncePer() calls once for each key", () => {
  const calls: string[] = [];
  const warn = oncePer(
    (id: string, _text: string) => id,
    (id, text) => void calls.push(`${id}: ${text}`),
  );
  warn("a", "first");
  warn("b", "first");
  warn("a", "second");
  expect(calls).toEqual(["a: first", "b: first"]);
});

test("onChange() calls whenever the value of a key differs from the last one", () => {
  const calls: string[] = [];
  const warn = onChange(
    (id: string, _text: string) => id,
    (_id, text) => text,
    (id, text) => void calls.push(`${id}: ${text}`),
  );
  for (const text of ["first", "first", "second", "first"]) warn("a", text);
  warn("b", "first");
  expect(calls).toEqual(["a: first", "a: second", "a: first", "b: first"]);
});
