/** The flags of `watch serve` that open it to others. */

import { exposureOf } from "../../app/exposure.ts";
import { WatchError } from "../../errors.ts";
import type { Access } from "../../server/guards/guards.ts";
import { canOthersRead, readToken } from "./token-file.ts";

export interface ExposureFlags {
  host: string;
  tokenFile?: string;
  publicUrl?: URL;
  corsOrigin: string[];
  /** Let anyone in. */
  insecure: boolean;
}

/**
 * @param warn is called for what is allowed, but may be a mistake.
 * @throws WatchError `usage` for settings that would show every session to strangers.
 */
export function accessOf(flags: ExposureFlags, warn: (message: string) => void): Access {
  const { host, tokenFile, publicUrl = null, corsOrigin: corsOrigins, insecure } = flags;
  const token = readToken(tokenFile);
  if (tokenFile !== undefined && canOthersRead(tokenFile))
    warn(`--token-file: other users of this machine can read ${tokenFile}; protect it with chmod 600`);
  const hasToken = token !== null;
  switch (exposureOf({ host, hasToken, corsOrigins, isInsecure: insecure })) {
    case "open-to-pages":
      throw new WatchError("usage", `--cors-origin: * ${OPEN_TO_PAGES}`);
    case "open-by-accident":
      throw new WatchError("usage", `--host: ${host} ${OPEN_TO_NETWORK}`);
    case "open-on-purpose":
      warn(`--insecure: anyone who can reach ${host} can read every session`);
      break;
    case "closed":
  }
  return { host, publicUrl, corsOrigins, token };
}

const OPEN_TO_PAGES =
  "would let every web page read every session; name origins, or set a token with --token-file";
const OPEN_TO_NETWORK =
  "can be reached from other machines, which could read every session; " +
  "set a token with --token-file or SESSIONWATCH_TOKEN, or use --insecure";
