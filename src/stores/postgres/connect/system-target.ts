/** What a URL means to this process: its environment, its user and its files. */

import { homedir, userInfo } from "node:os";
import process from "node:process";
import { parseTarget } from "./target.ts";
import type { Target } from "./target.ts";

/** What is allowed on the way to a server, and who hears of what is not as it should be. */
export interface SystemTargetOptions {
  /** Read an archive where others could read along. @default false */
  insecure?: boolean;
  /** Told on one line what is not as it should be. @default nobody is told */
  warn?: (message: string) => void;
}

/** @throws WatchError `usage` */
export function systemTarget(url: string, options: SystemTargetOptions = {}): Target {
  const { insecure = false, warn = () => undefined } = options;
  return parseTarget(url, { env: process.env, home: homedir(), osUser: userName(), insecure, warn });
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run as somebody without a name; then the URL must say who asks.
    return "";
  }
}
