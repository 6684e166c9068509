import { expect, test } from "bun:test";
import { codeOf, reasonOf } from "../../src/async/failure-words.ts";

test.each([
  ["ECONNREFUSED", "connection refused"],
  ["ECONNRESET", "the connection was lost"],
  ["ENOTFOUND", "there is no such host"],
  ["ENOENT", "it does not exist"],
  ["EACCES", "permission denied"],
  ["EPERM", "permission denied"],
  ["EADDRINUSE", "the port is in use"],
])("reasonOf() knows %s", (code, words) => {
  expect(reasonOf(Object.assign(new Error("whatever it says"), { code }))).toBe(words);
});

test("reasonOf() is the message of an error without a known code", () => {
  expect(reasonOf(Object.assign(new Error("as it says"), { code: "EODD" }))).toBe("as it says");
  expect(reasonOf("thrown text")).toBe("thrown text");
});

test("reasonOf() names each reason of an aggregate once", () => {
  const refused = (): Error => Object.assign(new Error("x"), { code: "ECONNREFUSED" });
  expect(reasonOf(new AggregateError([refused(), refused(), new Error("b")]))).toBe("connection refused; b");
});

test("codeOf() is undefined for what has no code", () => {
  expect([codeOf(null), codeOf("text"), codeOf(new Error("x")), codeOf({ code: 7 })]).toEqual(
    Array(4).fill(undefined),
  );
  expect(codeOf({ code: "42P01" })).toBe("42P01");
});
