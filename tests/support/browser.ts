/** A real headless Chromium that comes from npm alone: nothing of it has to be installed on the machine. */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import type { Browser, BrowserContext, Page } from "playwright-core";

const MODULES = join(import.meta.dir, "../../node_modules");

/** How long (ms) a page may take for anything before a test calls it lost. */
const OPERATION_MS = 15_000;

/** Runs in the page: what the page's own policy forbids is never meant to be tried. */
const COMPLAIN_OF_VIOLATIONS = `addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) =>
  console.error("policy violated:", effectiveDirective, blockedURI));`;

export async function launchBrowser(): Promise<Browser> {
  const folder = unpackedChromium();
  return await chromium.launch({
    executablePath: join(folder, "chromium"),
    args: ["--disable-gpu", "--disable-background-networking", "--no-first-run"],
    env: {
      HOME: folder,
      LD_LIBRARY_PATH: join(folder, "al2023/lib"),
      FONTCONFIG_FILE: join(folder, "fonts.conf"),
    },
  });
}

/**
 * Opens `url` in a new tab; `complaints` grows by all that goes wrong on the page.
 *
 * @param before runs in the page before its own script.
 */
export async function visit(
  context: BrowserContext,
  url: string,
  before = "",
): Promise<{ page: Page; complaints: string[] }> {
  const page = await context.newPage();
  const complaints: string[] = [];
  page.setDefaultTimeout(OPERATION_MS);
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("dialog", (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.addInitScript(`${COMPLAIN_OF_VIOLATIONS}${before}`);
  await page.goto(url);
  return { page, complaints };
}

/** @returns the folder with the browser of the installed package; the first call unpacks it. */
function unpackedChromium(): string {
  const manifest = readFileSync(join(MODULES, "@sparticuz/chromium/package.json"), "utf8");
  const { version } = JSON.parse(manifest) as { version: string };
  const cache = join(MODULES, ".cache");
  const folder = join(cache, `chromium-${version}`);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  const unfinished = mkdtempSync(join(cache, "unpacking-"));
  try {
    unpack(unfinished);
    // The package's own file names folders of AWS Lambda.
    writeFileSync(
      join(unfinished, "fonts.conf"),
      `<?xml version="1.0"?><fontconfig><dir>${folder}/fonts</dir><cachedir>${folder}/fonts-cache</cachedir></fontconfig>`,
    );
    renameSync(unfinished, folder);
  } catch (error) {
    // Another run may have been faster; a browser that is in place is as good as ours.
    if (!existsSync(folder)) throw error;
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return folder;
}

/**
 * The package always unpacks into the temporary folder, trusts whatever is there already, and takes its shared
 * libraries along only on AWS Lambda: a process of its own is told that all this is so.
 */
function unpack(folder: string): void {
  const script = `import chromium from "@sparticuz/chromium"; await chromium.executablePath();`;
  const { success, stderr } = Bun.spawnSync([process.execPath, "--eval", script], {
    cwd: MODULES,
    env: { TMPDIR: folder, AWS_LAMBDA_JS_RUNTIME: "nodejs24.x" },
  });
  if (!success) throw new Error(`Cannot unpack Chromium: ${stderr.toString()}`);
}
