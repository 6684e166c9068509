/** Where a URL leads, whatever the machine's own settings are. */

import { parseTarget } from "../../../src/stores/postgres/connection/target.ts";
import type { Target } from "../../../src/stores/postgres/connection/target.ts";

export function plainTarget(url: string): Target {
  return parseTarget(url, {
    env: {},
    home: "",
    osUser: "postgres",
    insecure: false,
    warn: () => undefined,
  });
}
