import { expect, test } from "bun:test";
import { sectionsOf } from "./sections.ts";

test("sectionsOf() puts together what each file has said, and leaves out the totals", () => {
  const output = `
a.test.ts:
(pass) one

b.test.ts:
other.test.ts:
(pass) two

a.test.ts:
\u001b[31m(fail) three\u001b[0m
1 tests failed:
(fail) three

 2 pass
 1 fail
`;
  expect(sectionsOf(output, ["a.test.ts", "b.test.ts"])).toEqual(
    new Map([
      ["a.test.ts", "(pass) one\n\n\u001b[31m(fail) three\u001b[0m\n"],
      ["b.test.ts", "other.test.ts:\n(pass) two\n\n"],
    ]),
  );
});
