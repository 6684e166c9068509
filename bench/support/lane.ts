/** The executable that is measured, as what starts programs for the tests wants it. */

import type { Lane } from "../../tests/support/program.ts";

export function laneOf(binary: string): Lane {
  return { name: "bench", command: [binary] };
}
