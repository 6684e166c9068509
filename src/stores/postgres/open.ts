/** Opens a PostgreSQL archive, ours or a foreign one. */

import { hostname } from "node:os";
import { WatchError } from "../../errors.ts";
import type { Clock } from "../../async/clock.ts";
import type { ArchiveWriting } from "../../watch/archive.ts";
import type { Store } from "../../watch/ports.ts";
import { systemAddress } from "./connect/archive-address.ts";
import type { SystemAddressOptions } from "./connect/archive-address.ts";
import { requireWritable } from "./schema/schema-version.ts";
import { PostgresStore } from "./store.ts";
import { ArchiveWriter } from "./write/writer.ts";

export interface OpenPostgresOptions extends SystemAddressOptions {
  clock: Clock;
  /** Only read, even if it is ours. @default false */
  readOnly?: boolean;
  /** Fail if the role may only read, instead of warning. @default false */
  mustWrite?: boolean;
  /** The machine whose sessions are written. @default the name of this host */
  machine?: string;
}

/** Every archive can be read; ours can also be written to, unless it was opened read-only. */
export interface OpenedPostgres {
  store: Store;
  archive: ArchiveWriting | undefined;
  close: () => Promise<void>;
}

/** @throws WatchError `usage`, `archive_unavailable`, `archive_unusable`. */
export async function openPostgres(url: string, options: OpenPostgresOptions): Promise<OpenedPostgres> {
  const { clock, readOnly = false, mustWrite = false, machine = hostname(), warn = ignore } = options;
  const address = systemAddress(url, options);
  const store = new PostgresStore(address, clock);
  let archive: ArchiveWriter | undefined;
  const close = async (): Promise<void> => {
    await Promise.all([archive?.close(), store.close()]);
  };
  try {
    const { schema, schemaVersion } = await store.open();
    if (schemaVersion === null || readOnly) return { store, archive, close };
    requireWritable(schemaVersion, address.name);
    archive = new ArchiveWriter(address, clock, { schema, machine });
    const obstacle = await archive.obstacle();
    if (obstacle === null) return { store, archive, close };
    const refusal = `Cannot write to archive ${JSON.stringify(address.name)}: ${obstacle}`;
    if (mustWrite) throw new WatchError("archive_unusable", refusal);
    // Roles that may only read are usual where many people follow one archive.
    warn(`${refusal}; nothing is synced; use --no-sync to only read`);
    await archive.close();
    return { store, archive: undefined, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function ignore(): void {}
