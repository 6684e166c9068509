/** Reads the query of a request, and refuses parameters that a route does not have. */

import type * as v from "valibot";
import { closest, distance } from "fastest-levenshtein";
import { WatchError } from "../../errors.ts";
import { checked } from "./checked.ts";
import type { RequestSchema } from "./checked.ts";

/**
 * @param sent every value of each parameter.
 * @param ignored parameters that are accepted without effect.
 * @throws WatchError `usage`
 */
export function readQuery<T extends RequestSchema>(
  schema: T,
  sent: Readonly<Record<string, string[]>>,
  ignored: readonly string[] = [],
): v.InferOutput<T> {
  const { entries } = schema;
  const known = Object.keys(entries);
  const unknown = Object.keys(sent).find((name) => !known.includes(name) && !ignored.includes(name));
  // A stray `&` or `=` is no parameter.
  if (unknown !== undefined && unknown !== "") throw unknownParameter(unknown, known);
  const given = Object.entries(entries).flatMap(([name, entry]) => {
    const values = sent[name];
    return values === undefined ? [] : [[name, isList(entry) ? values : values[0]]];
  });
  return checked(schema, Object.fromEntries(given), "query");
}

function unknownParameter(name: string, known: readonly string[]): WatchError {
  if (known.length === 0) return new WatchError("usage", `${name}: unknown parameter; this route takes none`);
  const nearest = closest(name, [...known]);
  const isNear = distance(name, nearest) <= Math.max(2, name.length / 2);
  const advice = isNear ? `did you mean ${nearest}?` : `this route takes ${known.join(", ")}`;
  return new WatchError("usage", `${name}: unknown parameter; ${advice}`);
}

/** Whether a parameter may be repeated; of any other the first value counts. */
function isList(entry: v.ObjectEntries[string]): boolean {
  return "wrapped" in entry && entry.wrapped.type === "array";
}
