/** Finds what a server must not write, although the standard tells clients to ignore most of it. */

/** @returns every fault in a stream's bytes so far; the part after the last empty line is incomplete. */
export function faultsOf(bytes: Uint8Array): string[] {
  const text = decoded(bytes);
  if (text === null) return ["it is not valid UTF-8"];
  const faults = text.startsWith("\uFEFF") ? ["it begins with a byte order mark"] : [];
  const blocks = text
    .replaceAll(/\r\n|\r/g, "\n")
    .split("\n\n")
    .slice(0, -1);
  return [...faults, ...blocks.flatMap(faultsOfBlock)];
}

function faultsOfBlock(block: string): string[] {
  const fields = block
    .split("\n")
    .filter((line) => !line.startsWith(":"))
    .map(fieldOf);
  const has = (wanted: string): boolean => fields.some(({ name }) => name === wanted);
  const faults = fields.flatMap(faultsOfField);
  // Clients silently drop an event without data.
  if (has("event") && !has("data")) faults.push(`an event without data: ${JSON.stringify(block)}`);
  return faults;
}

interface Field {
  name: string;
  value: string;
}

function fieldOf(line: string): Field {
  const [name = ""] = line.split(":", 1);
  return { name, value: line.slice(name.length + 1).replace(/^ /, "") };
}

function faultsOfField({ name, value }: Field): string[] {
  if (!["data", "event", "id", "retry"].includes(name)) return [`an unknown field: ${JSON.stringify(name)}`];
  if (name === "retry" && !/^\d+$/.test(value))
    return [`a retry that is no number: ${JSON.stringify(value)}`];
  if (name === "id" && value.includes("\0")) return [`an id with a NUL: ${JSON.stringify(value)}`];
  return [];
}

/** @returns null if the bytes are not UTF-8; an incomplete character at the end is no fault. */
function decoded(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, { stream: true });
  } catch {
    return null;
  }
}
