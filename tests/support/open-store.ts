/** Opens archives on real time. */

import { systemClock } from "../../src/runtime/clock.ts";
import { openStore as openOn } from "../../src/stores/open.ts";
import type { OpenedStore, OpenOptions } from "../../src/stores/open.ts";

export async function openStore(
  url: string | undefined,
  options: Partial<OpenOptions> = {},
): Promise<OpenedStore> {
  return await openOn(url, { clock: systemClock, ...options });
}
