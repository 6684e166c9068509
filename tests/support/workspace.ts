/** A folder of its own for one test: a home, a Claude Code root, a data folder. */

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export class Workspace implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "sessionwatch-"));
  readonly home = this.#make("home");
  readonly claude = this.#make("claude");
  readonly data = join(this.folder, "data");

  /** What a child process sees: nothing of the machine's own sessions and archives. */
  get env(): Record<string, string> {
    return {
      PATH: process.env["PATH"] ?? "",
      HOME: this.home,
      CLAUDE_CONFIG_DIR: this.claude,
      SESSIONWATCH_DATA_DIR: this.data,
    };
  }

  get archive(): string {
    return join(this.data, "sessions.db");
  }

  path(...names: string[]): string {
    return join(this.folder, ...names);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #make(name: string): string {
    const path = join(this.folder, name);
    mkdirSync(path);
    return path;
  }
}
