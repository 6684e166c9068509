/** What the guards know of the routes: which policy a request falls under. */

import type { Operation, Policy } from "../openapi/operation.ts";

/** @returns null where no route has the path. */
export type PolicyFor = (method: string, path: string) => Policy | null;

export function policiesOf(operations: readonly Pick<Operation, "method" | "path" | "policy">[]): PolicyFor {
  const patterns = operations.map((operation) => ({ ...operation, pattern: patternOf(operation.path) }));
  return (method, path) => {
    const atPath = patterns.filter(({ pattern }) => pattern.test(path));
    const wanted = method === "HEAD" ? "GET" : method;
    const exact = atPath.find((operation) => operation.method === wanted);
    if (exact !== undefined) return exact.policy;
    // A method that the path does not have must not get around the token.
    const policies = new Set(atPath.map(({ policy }) => policy));
    return STRICTEST_FIRST.find((policy) => policies.has(policy)) ?? null;
  };
}

const STRICTEST_FIRST: readonly Policy[] = ["guarded", "stream", "open"];

function patternOf(path: string): RegExp {
  const parts = path.split(/\{\w+\}/).map((part) => part.replaceAll(/[.*+?^$()[\]|\\]/g, "\\$&"));
  return new RegExp(`^${parts.join("[^/]+")}$`);
}
