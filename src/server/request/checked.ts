/** Checks what a client sent against a schema. */

import * as v from "valibot";
import { WatchError } from "../../errors.ts";

/** The schema of a request's part: an object whose entries are the parameters, or the members of a body. */
export type RequestSchema = Pick<v.ObjectSchema<v.ObjectEntries, undefined>, "entries"> & v.GenericSchema;

/**
 * @param place the part of the request, for the message.
 * @throws WatchError `usage`, with what to send instead.
 */
export function checked<T extends v.GenericSchema>(
  schema: T,
  value: unknown,
  place: string,
): v.InferOutput<T> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new WatchError("usage", `${v.getDotPath(issue) ?? place}: ${issue.message}`);
}
