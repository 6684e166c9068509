/** Opens a PostgreSQL archive: ours, or somebody else's. */

import { hostname } from "node:os";
import type { ArchiveWriting } from "../../watch/archive.ts";
import type { Store } from "../../watch/ports.ts";
import { requireWritable } from "./schema.ts";
import { PostgresStore } from "./store.ts";
import { systemTarget } from "./connection/system-target.ts";
import type { SystemTargetOptions } from "./connection/system-target.ts";
import { ArchiveWriter } from "./writing/writer.ts";

export interface OpenPostgresOptions extends SystemTargetOptions {
  /** Only read, even if it is ours. @default false */
  readOnly?: boolean;
  /** Whose the sessions are that are written. @default the name of this host */
  machine?: string;
}

/** A store that can be read; ours can be written to as well, unless it was opened to be read only. */
export interface OpenedPostgres {
  store: Store;
  archive: ArchiveWriting | undefined;
  close: () => Promise<void>;
}

/** @throws WatchError `usage`, `archive_unavailable`, `archive_unusable`. */
export async function openPostgres(url: string, options: OpenPostgresOptions = {}): Promise<OpenedPostgres> {
  const { readOnly = false, machine = hostname() } = options;
  const target = systemTarget(url, options);
  const store = new PostgresStore(target);
  try {
    const { schema, schemaVersion } = await store.open();
    if (schemaVersion === null || readOnly) return { store, archive: undefined, close: () => store.close() };
    requireWritable(schemaVersion, target.name);
    const archive = new ArchiveWriter(target, { schema, machine });
    const close = async (): Promise<void> => {
      await Promise.all([archive.close(), store.close()]);
    };
    return { store, archive, close };
  } catch (error) {
    await store.close();
    throw error;
  }
}
