/** The names under which the server answers. */

import type { MiddlewareHandler } from "hono";
import { inUrl, isLoopback } from "../../addresses.ts";
import { Refusal } from "../refusal.ts";

export interface HostOptions {
  /** The name or address that the server listens on. */
  host: string;
  /** The URL that clients use, where it differs. */
  publicUrl: URL | null;
}

/**
 * Refuses requests for any other host. With DNS rebinding, an attacker's name resolves to this server, and a browser would
 * let the attacker's page read every session.
 */
export function onlyKnownHosts(options: HostOptions): MiddlewareHandler {
  const known = knownHosts(options);
  return (c, next) => {
    // Not from the request's URL: a malformed header can change its path.
    const header = c.req.header("host");
    // HTTP/1.0 allows requests without a host; browsers never send them.
    if (header === undefined) return next();
    const host = hostIn(header);
    if (host === null) throw new Refusal(400, "Host: send it once, as a name or an address and a port");
    if (known.has(host)) return next();
    const allowed = `this server answers to ${known.text}`;
    throw new Refusal(403, `host not allowed: ${host}; ${allowed}; name others with --public-url`);
  };
}

/** @returns the name or address in a Host header, as a browser would write it; null if the header has neither. */
export function hostIn(header: string): string | null {
  if (!/^(\[[\da-f:.]+\]|[^\s:/?#@[\]\\,]+)(:\d{0,5})?$/i.test(header)) return null;
  const url = `http://${header}`;
  return URL.canParse(url) ? new URL(url).hostname.replace(/\.$/, "") || null : null;
}

interface KnownHosts {
  has: (host: string) => boolean;
  /** A list for people. */
  text: string;
}

function knownHosts({ host, publicUrl }: HostOptions): KnownHosts {
  const bound = hostIn(inUrl(host));
  const isWildcard = bound === "0.0.0.0" || bound === "[::]";
  const named = [isWildcard ? null : bound, publicUrl === null ? null : hostIn(publicUrl.host)];
  const others = [...new Set(named)].filter((name) => name !== null && !isLoopback(name));
  const names = isWildcard
    ? ["localhost", ...others, "any address"]
    : ["localhost", "127.0.0.1", "[::1]", ...others];
  return {
    // Rebinding needs a name, so any address is safe where the server listens on all of them.
    has: (name) => isLoopback(name) || others.includes(name) || (isWildcard && isAddress(name)),
    text: `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`,
  };
}

/** @param host as `hostIn` returns it. */
function isAddress(host: string): boolean {
  return host.startsWith("[") || /^\d+(\.\d+){3}$/.test(host);
}
