/** Lines that no agent writes: records of real recordings, with something else where one of their values was. */

import fc from "fast-check";
import { COSTLY_VALUES, VALUES } from "./damage.ts";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Stands where text is put that no JSON writer would make. */
const HOLE = "\ue000hole\ue000";

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

/** @param names texts that mean something to the parser, such as the ids of the session. */
export function hostileLines(specimens: readonly string[], names: readonly string[]): fc.Arbitrary<string> {
  const value = fc.oneof(
    { weight: 60, arbitrary: fc.constantFrom(...VALUES, ...names.map((name) => JSON.stringify(name))) },
    { weight: 1, arbitrary: fc.constantFrom(...COSTLY_VALUES) },
  );
  return fc.tuple(fc.constantFrom(...specimens), fc.nat(), value).map(([line, place, value]) => {
    const record = parsed(line) ?? null;
    const paths = pathsIn(record);
    return written(record, paths[place % paths.length] ?? [], value);
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
  const values = [...VALUES, ...names.map((name) => JSON.stringify(name))];
  let count = 0;
  for (const line of specimens) {
    const record = parsed(line) ?? null;
    for (const path of pathsIn(record))
      for (const value of values) {
        count += 1;
        if (count % stride === 0) yield written(record, path, value);
      }
  }
}

/** @returns the record as a line, with the text `value` where the path leads. */
function written(record: Json, path: Path, value: string): string {
  return JSON.stringify(replaced(record, path, HOLE)).replace(JSON.stringify(HOLE), () => value);
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
