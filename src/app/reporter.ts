/** What use cases report while they run; the command line prints it. */

import type { Failure } from "../sync/sources/source.ts";
import type { Synced } from "../sync/sources/sync-runner.ts";

export interface Reporter {
  /** Something is wrong, but the work goes on. @param message one line without secrets. */
  warn(message: string): void;
  /** A transcript was synced. */
  synced(synced: Synced): void;
  /** A transcript could not be synced. */
  failed(failure: Failure): void;
}
