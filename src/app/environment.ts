/** Defaults from the environment: variables and folders of this machine. */

import { homedir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import envPaths from "env-paths";
import type { Surroundings } from "../agents/agent.ts";
import { WatchError } from "../errors.ts";
import { isMachineName, MACHINE_NAME_RULE } from "./machine-name.ts";

/** @returns the URL in `SESSIONWATCH_DB`; undefined if it is unset or empty. */
export function archiveOfEnvironment(): string | undefined {
  return process.env["SESSIONWATCH_DB"] || undefined;
}

/** @returns the path of our own archive, which is created on first use. */
export function defaultArchive(): string {
  const configured = process.env["SESSIONWATCH_DATA_DIR"];
  const folder = configured ? resolve(configured) : envPaths("sessionwatch", { suffix: "" }).data;
  return join(folder, "sessions.db");
}

/** @throws WatchError `usage` if `SESSIONWATCH_MACHINE` is not a valid name. */
export function machineOfEnvironment(): string | undefined {
  const name = process.env["SESSIONWATCH_MACHINE"] || undefined;
  if (name === undefined || isMachineName(name)) return name;
  throw new WatchError("usage", `SESSIONWATCH_MACHINE: use ${MACHINE_NAME_RULE}`);
}

/** @returns what agents need to know to find their sessions on this machine. */
export function surroundings(): Surroundings {
  return { env: process.env, home: homedir(), folders: [process.cwd()] };
}
