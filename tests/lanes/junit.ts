/** Reads the JUnit reports of `bun test`, which say more than its exit code. */

export interface TestResult {
  file: string;
  /** With the names of the groups around it. */
  name: string;
  outcome: "passed" | "failed" | "skipped";
  /** What a failure says, with its stack. */
  failure?: string;
}

export function resultsOf(report: string): TestResult[] {
  // Bun escapes "<" and ">" in every attribute and text, so that tags can be told apart by these alone.
  const cases = report.matchAll(/<testcase ([^>]*?)(?:\/>|>([^]*?)<\/testcase>)/g);
  return [...cases].map(([, attributes = "", content = ""]) => {
    // The innermost group comes first.
    const groups = attribute(attributes, "classname").split(" > ").toReversed().join(" > ");
    const name = attribute(attributes, "name");
    return {
      file: attribute(attributes, "file"),
      name: groups === "" ? name : `${groups} > ${name}`,
      outcome: outcomeOf(content),
      ...failureIn(content),
    };
  });
}

function outcomeOf(content: string): TestResult["outcome"] {
  if (content.includes("<failure")) return "failed";
  return content.includes("<skipped") ? "skipped" : "passed";
}

function failureIn(content: string): { failure?: string } {
  const [, attributes = "", text = ""] = /<failure ([^>]*?)(?:\/>|>([^]*?)<\/failure>)/.exec(content) ?? [];
  if (attributes === "") return {};
  return { failure: unescaped(text) || attribute(attributes, "message") };
}

function attribute(attributes: string, name: string): string {
  return unescaped(new RegExp(`(?:^| )${name}="([^"]*)"`).exec(attributes)?.[1] ?? "");
}

function unescaped(text: string): string {
  return text.replaceAll(/&(?:#(\d+)|(\w+));/g, (entity, code?: string, word?: string) =>
    code === undefined ? (ENTITIES[word ?? ""] ?? entity) : String.fromCodePoint(Number(code)),
  );
}

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };
