/** Opens a PostgreSQL archive: ours, or somebody else's. */

import { hostname } from "node:os";
import { WatchError } from "../../errors.ts";
import type { ArchiveWriting } from "../../watch/archive.ts";
import type { Store } from "../../watch/ports.ts";
import { requireWritable } from "./admin/schema.ts";
import { PostgresStore } from "./store.ts";
import { systemTarget } from "./connect/system-target.ts";
import type { SystemTargetOptions } from "./connect/system-target.ts";
import { ArchiveWriter } from "./write/writer.ts";

export interface OpenPostgresOptions extends SystemTargetOptions {
  /** Only read, even if it is ours. @default false */
  readOnly?: boolean;
  /** Fail where the role may only read, instead of warning. @default false */
  mustWrite?: boolean;
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
  const { readOnly = false, mustWrite = false, machine = hostname(), warn = ignore } = options;
  const target = systemTarget(url, options);
  const store = new PostgresStore(target);
  let archive: ArchiveWriter | undefined;
  const close = async (): Promise<void> => {
    await Promise.all([archive?.close(), store.close()]);
  };
  try {
    const { schema, schemaVersion } = await store.open();
    if (schemaVersion === null || readOnly) return { store, archive, close };
    requireWritable(schemaVersion, target.name);
    archive = new ArchiveWriter(target, { schema, machine });
    const lack = await archive.lack();
    if (lack === null) return { store, archive, close };
    const refusal = `Cannot write to archive ${JSON.stringify(target.name)}: ${lack}`;
    if (mustWrite) throw new WatchError("archive_unusable", refusal);
    // Whoever may only read has come to read, as a rule.
    warn(`${refusal}; nothing is synced: --no-sync says that this is meant so`);
    await archive.close();
    return { store, archive: undefined, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function ignore(): void {}
