/** Where a URL leads, whatever the machine's own settings are. */

import { parseArchiveAddress } from "../../../src/stores/postgres/connect/archive-address.ts";
import type { ArchiveAddress, AddressOptions } from "../../../src/stores/postgres/connect/archive-address.ts";

/** @param options what is different this time. */
export function plainAddress(url: string, options: Partial<AddressOptions> = {}): ArchiveAddress {
  return parseArchiveAddress(url, {
    env: {},
    home: "",
    osUser: "postgres",
    insecure: false,
    warn: () => undefined,
    ...options,
  });
}
