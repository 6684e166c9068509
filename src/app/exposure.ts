/** Decides whether a server's settings would show sessions to strangers. */

import { isLoopback } from "../addresses.ts";

/** The settings that open a server to others. */
export interface ExposureSettings {
  /** The address to listen on. */
  host: string;
  hasToken: boolean;
  corsOrigins: readonly string[];
  /** The user accepts that anyone on the network can read every session. */
  isInsecure: boolean;
}

/**
 * - `closed`: only this machine, or only clients with the token, can read sessions
 * - `open-on-purpose`: anyone on the network can, as the user wants
 * - `open-by-accident`: anyone on the network could
 * - `open-to-pages`: every web page that a browser shows could
 */
export type Exposure = "closed" | "open-on-purpose" | "open-by-accident" | "open-to-pages";

/** @returns what the settings expose; the last two must not start. */
export function exposureOf({ host, hasToken, corsOrigins, isInsecure }: ExposureSettings): Exposure {
  if (hasToken) return "closed";
  if (corsOrigins.includes("*")) return "open-to-pages";
  if (isLoopback(host)) return "closed";
  return isInsecure ? "open-on-purpose" : "open-by-accident";
}
