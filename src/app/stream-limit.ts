/** How many streams the system lets a server have: each takes an open file. */

/** Files that a server needs besides its streams: the archive, transcripts, watched folders, and other requests. */
const OTHER_FILES = 200;

/** Unless somebody wants another number. */
const MAX_STREAMS = 20_000;

/**
 * @param openFiles how many the process may have open; null if that is not known.
 * @param wanted undefined if nobody has said so.
 * @param warn is called when fewer streams fit than somebody wants.
 * @returns how many streams there may be: so many that who comes too late is told so, and nobody else is starved.
 */
export function maxStreamsWithin(
  openFiles: number | null,
  wanted: number | undefined,
  warn: (message: string) => void,
): number {
  const maxStreams = wanted ?? MAX_STREAMS;
  if (openFiles === null || openFiles >= maxStreams + OTHER_FILES) return maxStreams;
  const fitting = Math.max(1, openFiles - OTHER_FILES);
  if (wanted !== undefined && fitting < wanted)
    warn(
      `--max-streams: ${wanted} do not fit into this system's limit of ${openFiles} open files: there will be ${fitting}; raise it with ulimit -n`,
    );
  return Math.min(fitting, maxStreams);
}
