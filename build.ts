/** Builds the executable: `bun run build.ts` for this machine, `--all` for every target with SHA256SUMS. */

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

const TARGETS = [
  "bun-linux-x64",
  "bun-linux-x64-musl",
  "bun-linux-arm64",
  "bun-linux-arm64-musl",
  "bun-darwin-x64",
  "bun-darwin-arm64",
  "bun-windows-x64",
] as const;

const DIST = join(import.meta.dir, "dist");

mkdirSync(DIST, { recursive: true });
if (process.argv.includes("--all")) {
  const files: string[] = [];
  for (const target of TARGETS) files.push(await compile(`watch-${target.replace("bun-", "")}`, target));
  const sums = files.map((file) => `${sha256(file)}  ${basename(file)}\n`);
  writeFileSync(join(DIST, "SHA256SUMS"), sums.join(""));
} else {
  await compile("watch");
}

/** @returns the path of the executable. */
async function compile(name: string, target?: (typeof TARGETS)[number]): Promise<string> {
  const result = await Bun.build({
    entrypoints: [join(import.meta.dir, "src/main.ts")],
    target: "bun",
    format: "esm",
    minify: true,
    // Compiled ahead of time: the program starts in half the time.
    bytecode: true,
    compile: {
      outfile: join(DIST, name),
      ...(target === undefined ? {} : { target }),
      // A stranger's folder must not be able to run code in this program.
      autoloadBunfig: false,
      autoloadDotenv: false,
    },
  });
  const [output] = result.outputs;
  if (!result.success || output === undefined) throw new AggregateError(result.logs, `cannot build ${name}`);
  console.log(`built ${output.path}`);
  return output.path;
}

function sha256(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
