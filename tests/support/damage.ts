/** Damage, as crashes, torn writes and writers that mean harm do it: values, pieces of lines, and whole lines. */

import fc from "fast-check";

/** Deeper than a stack can follow. */
export const DEPTH = 100_000;

/** JSON text, and some that is almost that, which may stand where a record has one of its values. */
export const VALUES: readonly string[] = [
  "null",
  "true",
  "false",
  "0",
  "-0",
  "-1",
  "0.5",
  "1e99",
  "1e308",
  "1e999",
  "-1e999",
  "1e-400",
  String(Number.MAX_VALUE),
  "9007199254740991",
  "9007199254740993",
  "1".repeat(400),
  "NaN",
  "undefined",
  "[",
  '""',
  '"x"',
  '"2"',
  '"/"',
  '"\\u0000"',
  '"a\\u0000b"',
  '"a\\ud800b"',
  '"\\ud800"',
  '"\\udc00"',
  '"\\udc00\\ud800 \\u0000"',
  '"\\ufeff\\u202e\\u2028"',
  '"../../../../etc/passwd"',
  '"..\\\\..\\\\con\\u0007\\u001b[2J\\r\\n"',
  `"${"9".repeat(400)}"`,
  '"__proto__"',
  '"constructor"',
  '"9999-12-31T23:59:59.999Z"',
  '"+275760-09-13T00:00:00.000Z"',
  '"-000001-01-01T00:00:00Z"',
  '"0000-00-00T00:00:00Z"',
  '"0000-01-01T00:00:00Z"',
  '"1969-12-31T23:59:59Z"',
  '"2026-02-30T25:61:61Z"',
  '"2026-13-45T99:99:99Z"',
  '"1999-01-01T00:00:00+23:59"',
  "[]",
  "[[]]",
  '[null,1,"x",{}]',
  '[[[[[["deep"]]]]]]',
  "{}",
  '{"type":"text","text":{}}',
  '{"__proto__":{"type":"user","message":{"content":"polluted"}}}',
  '{"constructor":{"prototype":{"type":"x"}},"toString":null,"length":-1}',
  '[{"type":"text"},{"type":"tool_use"},{"type":"tool_result"},{"text":{}},{"type":{}}]',
];

/** The same, each of which takes its time. */
export const COSTLY_VALUES: readonly string[] = [
  "[".repeat(DEPTH) + "]".repeat(DEPTH),
  nested(DEPTH),
  JSON.stringify("x".repeat(1_000_000)),
];

/** On these, careless patterns take time that grows with more than the length. */
export const SLOW_TEXTS: readonly ((length: number) => string)[] = [
  (length) => `<command-name>${" ".repeat(length)}`,
  (length) => `<command-name>x</command-name><command-args>${" \n".repeat(length / 2)}`,
  (length) => "<command-name>".repeat(length / 14),
  (length) => `${" ".repeat(length)}x`,
  (length) => `mcp__${"_".repeat(length)}x`,
  (length) => "<task-id> a <tool-use-id> a".repeat(length / 27),
  (length) => `<environment_context>${"<cwd>a".repeat(length / 6)}`,
  (length) => "*** Begin Patch\n*** Add File: \n".repeat(length / 31),
  (length) => "\\/".repeat(length / 2),
  (length) => "/-".repeat(length / 2),
  (length) => "é😀".repeat(length / 3),
];

/** Names that a member may have, of which some mean something to JavaScript. */
export const KEYS: readonly string[] = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "",
  "\0",
  "\ud800",
  "type",
  "payload",
];

/** What may stand before a record: a file system gives back NULs for what it had not written yet. */
export const BEFORE: readonly string[] = ["\0\0\0", "\ufeff", "\ufeff\ufeff", "\r", " ", "\t"];
/** What may stand behind one. */
export const AFTER: readonly string[] = ["", "\r", "\0", " ", ","];
/** Whole lines that hold no record. */
export const STUBS: readonly string[] = [
  "",
  " ",
  "\r",
  "\0",
  "\u2028",
  "null",
  "0",
  "1e999",
  '"x"',
  "[]",
  "[1]",
  "{}",
  "{",
  "}",
  '{"type":',
];

/** Longest cut (characters): within the first fields of a record, where its meaning is. */
const CUT = 400;

/** Torn, glued and spoilt lines. */
export function damagedLines(lines: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.oneof(
    fc.tuple(lines, lines).map(([first, second]) => first + second),
    fc.tuple(lines, fc.nat(CUT), lines).map(([first, length, second]) => first.slice(0, length) + second),
    fc.tuple(lines, fc.nat(10 * CUT)).map(([line, from]) => line.slice(from)),
    fc
      .tuple(fc.constantFrom(...BEFORE), lines, fc.constantFrom(...AFTER))
      .map(([before, line, after]) => before + line + after),
    lines.map((line) => line.replaceAll('"', "")),
    fc.string({ unit: "binary" }),
    fc.oneof(
      { weight: 20, arbitrary: fc.constantFrom(...STUBS) },
      { weight: 1, arbitrary: fc.constant("[".repeat(DEPTH)) },
    ),
  );
}

/** @returns JSON text of an object within an object, and so on. */
export function nested(depth: number): string {
  return `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
}
