/** How many concurrent streams the limit of open files allows: each stream needs one file. */

/** Files that a server needs besides its streams: the archive, transcripts, watched folders, other requests. */
const OTHER_FILES = 200;

/** The limit, unless the user sets another one. */
export const MAX_STREAMS = 20_000;

export interface StreamLimit {
  /** Leaves descriptors, so that excess clients get 503. */
  maxStreams: number;
  /** Why the user's number is not possible; null if it is. */
  warning: string | null;
}

/**
 * @param openFiles how many the process may have open; null if that is not known.
 * @param wanted the user's number; undefined for the default.
 */
export function streamLimit(openFiles: number | null, wanted: number | undefined): StreamLimit {
  const maxStreams = wanted ?? MAX_STREAMS;
  if (openFiles === null || openFiles >= maxStreams + OTHER_FILES) return { maxStreams, warning: null };
  const fitting = Math.min(maxStreams, Math.max(1, openFiles - OTHER_FILES));
  const isShort = wanted !== undefined && fitting < wanted;
  return { maxStreams: fitting, warning: isShort ? warningOf(wanted, openFiles, fitting) : null };
}

function warningOf(wanted: number, openFiles: number, fitting: number): string {
  const limit = `this system's limit of ${openFiles} open files`;
  return `--max-streams: ${wanted} streams exceed ${limit}; using ${fitting}; raise the limit with ulimit -n`;
}
