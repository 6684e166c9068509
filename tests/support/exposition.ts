/** Parses Prometheus's text format. */

/** @returns the samples by name and labels, as written. @throws for a line that the format does not allow. */
export function samplesOf(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.split("\n")) {
    if (line === "" || /^# (HELP \w+ .+|TYPE \w+ (counter|gauge|histogram))$/.test(line)) continue;
    const [, name, value] = /^(\w+(?:\{\w+="[^"]*"(?:,\w+="[^"]*")*\})?) (\S+)$/.exec(line) ?? [];
    if (name === undefined || Number.isNaN(Number(value))) throw new Error(`no sample: ${line}`);
    if (samples.has(name)) throw new Error(`twice: ${line}`);
    samples.set(name, Number(value));
  }
  return samples;
}
