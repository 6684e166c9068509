/** Takes the output of `bun test` apart by file: several files run at the same time, and take turns in it. */

/** @returns what each file has said, in the order of its lines; what comes late may stand with the next file of its worker. */
export function sectionsOf(output: string, files: readonly string[]): Map<string, string> {
  const names = new Set(files);
  const sections = new Map<string, string>();
  let current: string | null = null;
  for (const line of output.split("\n")) {
    const name = Bun.stripANSI(line).replace(/:$/, "");
    if (names.has(name)) current = name;
    else if (SUMMARY.test(Bun.stripANSI(line))) current = null;
    else if (current !== null) sections.set(current, `${sections.get(current) ?? ""}${line}\n`);
  }
  return sections;
}

/** Where the totals begin, or the list of failures that Bun repeats after many tests. */
const SUMMARY = /^ ?\d+ (?:tests? (?:failed|skipped|todo):|pass)$/;
