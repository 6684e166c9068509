/** How large the executable is: on disk, and as it is downloaded. */

import { statSync } from "node:fs";
import type { Figure, Setting } from "./support/figures.ts";

export async function size({ binary }: Setting): Promise<Figure[]> {
  const bytes = await Bun.file(binary).bytes();
  const runtime = statSync(process.execPath).size;
  return [
    { what: "executable", value: megabytes(bytes.length) },
    { what: "the Bun runtime in it", value: megabytes(runtime) },
    { what: "executable, gzip", value: megabytes(Bun.gzipSync(bytes).length) },
  ];
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
