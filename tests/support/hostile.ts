/** Lines that no agent writes: records of real recordings, with something else where one of their values was. */

import fc from "fast-check";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Stands where text is put that no JSON writer would make: nested deeper than a stack can follow, or cut off. */
const HOLE = "\ue000hole\ue000";
export const DEPTH = 100_000;

const VALUES: readonly Json[] = [
  null,
  true,
  false,
  0,
  -1,
  0.5,
  1e99,
  Number.MAX_VALUE,
  Number.MAX_SAFE_INTEGER,
  "",
  "x",
  "\0",
  "a\ud800b",
  "\udc00",
  "../../etc/passwd",
  "2026-13-45T99:99:99Z",
  "0000-01-01T00:00:00Z",
  "9".repeat(400),
  "__proto__",
  [],
  [[]],
  [null, 1, "x", {}],
  [[[[[["deep"]]]]]],
  {},
  { type: "text", text: {} },
  [{ type: "text" }, { type: "tool_use" }, { type: "tool_result" }],
  { constructor: null, toString: 1, length: -1 },
  HOLE,
];

const HOLES: readonly string[] = [
  "[".repeat(DEPTH) + "]".repeat(DEPTH),
  '{"a":'.repeat(DEPTH) + "1" + "}".repeat(DEPTH),
  JSON.stringify("x".repeat(1_000_000)),
  "1e999",
  "-0",
  "[",
  "undefined",
];

/** Where a value stands in a record. */
type Path = readonly (string | number)[];

/** Lines to mutate, one of each shape that there is. */
export function specimensAmong(lines: readonly string[]): string[] {
  const shapes = new Map<string, string>();
  for (const line of lines) {
    const record = parsed(line);
    if (record !== undefined) shapes.set(shapeOf(record), line);
  }
  return [...shapes.values()];
}

/** @param names values that mean something to the parser, such as the ids of the session. */
export function hostileLines(specimens: readonly string[], names: readonly string[]): fc.Arbitrary<string> {
  const value = fc.constantFrom(...VALUES, ...names);
  return fc
    .tuple(fc.constantFrom(...specimens), fc.nat(), value, fc.constantFrom(...HOLES))
    .map(([line, place, value, hole]) => {
      const record = parsed(line) ?? null;
      const paths = pathsIn(record);
      const path = paths[place % paths.length] ?? [];
      return JSON.stringify(replaced(record, path, value)).replace(JSON.stringify(HOLE), () => hole);
    });
}

/**
 * Every value of every specimen, replaced by every other one but the costly ones.
 *
 * @param stride gives only each so-manieth of them.
 */
export function* everyHostileLine(
  specimens: readonly string[],
  names: readonly string[],
  stride = 1,
): Generator<string, void, void> {
  const values = [...VALUES, ...names].filter((value) => value !== HOLE);
  let count = 0;
  for (const line of specimens) {
    const record = parsed(line) ?? null;
    for (const path of pathsIn(record))
      for (const value of values) {
        count += 1;
        if (count % stride === 0) yield JSON.stringify(replaced(record, path, value));
      }
  }
}

/** Torn, glued and spoilt lines. */
export function damagedLines(lines: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.oneof(
    fc.tuple(lines, lines).map(([first, second]) => first + second),
    fc.tuple(lines, fc.nat(400), lines).map(([first, length, second]) => first.slice(0, length) + second),
    fc.tuple(lines, fc.nat(4000)).map(([line, from]) => line.slice(from)),
    lines.map((line) => `\0\0\0${line}`),
    lines.map((line) => `\ufeff${line}\r`),
    lines.map((line) => line.replaceAll('"', "")),
    fc.string({ unit: "binary" }),
    fc.constantFrom("", "{}", "{", "}", "null", "[1]", '"x"', "1e999", " ", "\0", "[".repeat(DEPTH)),
  );
}

function parsed(line: string): Json | undefined {
  try {
    const value = JSON.parse(line) as Json;
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    // A recording may end in the middle of a line.
    return undefined;
  }
}

/** Only the kinds of values, and the few that say what kind of record it is. */
function shapeOf(value: Json, key = ""): string {
  if (Array.isArray(value)) return `[${[...new Set(value.map((item) => shapeOf(item)))].join()}]`;
  if (typeof value !== "object" || value === null)
    return /^(type|subtype|kind|role|name)$/.test(key) ? JSON.stringify(value) : typeof value;
  return `{${Object.entries(value).map(([key, value]) => `${key}:${shapeOf(value, key)}`)}}`;
}

function pathsIn(value: Json, path: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [path];
  const inner: [string | number, Json][] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value);
  return [path, ...inner.flatMap(([key, value]) => pathsIn(value, [...path, key]))];
}

function replaced(whole: Json, [key, ...rest]: Path, value: Json): Json {
  if (key === undefined) return value;
  if (Array.isArray(whole))
    return whole.map((item, index) => (index === key ? replaced(item, rest, value) : item));
  if (typeof whole !== "object" || whole === null) return whole;
  return Object.fromEntries(
    Object.entries(whole).map(([name, item]) => [name, name === key ? replaced(item, rest, value) : item]),
  );
}
