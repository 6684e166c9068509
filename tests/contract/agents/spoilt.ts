/** Transcripts that no agent writes, in places where it writes. */

import fc from "fast-check";
import { damagedLines } from "../../support/damage.ts";
import { hostileLines } from "../../support/hostile.ts";
import { recordedIn } from "../../support/recordings.ts";
import type { RecordedFile, Recording } from "../../support/recordings.ts";

export interface Spoilt {
  /** Where it stands. */
  file: RecordedFile;
  lines: string[];
}

/** @param specimens lines to spoil. */
export function spoiltIn(
  recordings: readonly Recording[],
  specimens: readonly string[],
): fc.Arbitrary<Spoilt> {
  const line = fc.constantFrom(...specimens);
  const plain = recordings.filter(({ files }) => files.some(isPlain));
  return recordedIn(plain).chain((recording) => {
    const hostile = hostileLines(specimens, namesOf(recording));
    const some = fc.oneof(line, damagedLines(line), { weight: 2, arbitrary: hostile });
    const files = fc.constantFrom(...recording.files.filter(isPlain));
    return fc.record({
      file: files.map((file) => Object.assign(file, { [fc.toStringMethod]: () => file.path })),
      lines: fc.array(some, { maxLength: 30 }),
    });
  });
}

function isPlain({ place }: RecordedFile): boolean {
  return place.compression === null;
}

/** What a session is called, by us and in its own transcript. */
function namesOf({ id }: Recording): string[] {
  return [id, id.slice(id.indexOf(":") + 1)];
}
