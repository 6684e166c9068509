/** Where a URL leads, whatever the machine's own settings are. */

import { parseTarget } from "../../../src/stores/postgres/connect/target.ts";
import type { Target, TargetOptions } from "../../../src/stores/postgres/connect/target.ts";

/** @param options what is different this time. */
export function plainTarget(url: string, options: Partial<TargetOptions> = {}): Target {
  return parseTarget(url, {
    env: {},
    home: "",
    osUser: "postgres",
    insecure: false,
    warn: () => undefined,
    ...options,
  });
}
