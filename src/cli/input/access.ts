/** For whom `watch serve` is there: what its flags mean together, and what must not be by accident. */

import { WatchError } from "../../errors.ts";
import { isLoopback } from "../../server/addresses.ts";
import type { Access } from "../../server/guards/guards.ts";
import { isExposed, readToken } from "./token.ts";

/** The flags that open the server to others. */
export interface AccessFlags {
  host: string;
  tokenFile?: string;
  publicUrl?: URL;
  corsOrigin: string[];
  /** Let strangers in. */
  insecure: boolean;
}

/**
 * @param warn is called for what is allowed, but may be a mistake.
 * @throws WatchError `usage` for what would show every session to strangers.
 */
export function accessOf(flags: AccessFlags, warn: (message: string) => void): Access {
  const { host, tokenFile, publicUrl = null, corsOrigin: corsOrigins, insecure } = flags;
  const token = readToken(tokenFile);
  if (tokenFile !== undefined && isExposed(tokenFile))
    warn(`--token-file: others on this machine may read ${tokenFile}; change that with chmod 600`);
  if (token === null) {
    if (corsOrigins.includes("*")) {
      const why = "would let every page that a browser opens read every session";
      throw new WatchError(
        "usage",
        `--cors-origin: * ${why}; name origins, or set a token with --token-file`,
      );
    }
    if (!isLoopback(host)) {
      if (!insecure) throw new WatchError("usage", `--host: ${host} ${EXPOSED}; ${ADVICE}`);
      warn(`--insecure: everybody who can reach ${host} can read every session`);
    }
  }
  return { host, publicUrl, corsOrigins, token };
}

const EXPOSED = "is not this machine's own address: others could read every session";
const ADVICE = "set a token with --token-file or SESSIONWATCH_TOKEN, or use --insecure";
