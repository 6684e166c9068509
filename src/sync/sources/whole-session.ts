/** Writes a session that was read as a whole: it replaces what the archive has of it, in one transaction. */

import { createHash } from "node:crypto";
import type { BigIntStats } from "node:fs";
import type { WholeSession } from "../../agents/agent.ts";
import type { SourceToken } from "../../session/session.ts";
import type { SourceTools } from "./source.ts";

/** Where a session was read, and what its state there is. */
export interface WholeSource {
  path: string;
  stats: BigIntStats;
  token: SourceToken;
  /** Of the parser. */
  revision: number;
}

/** Entries that are written at once. */
const PIECE = 500;

/** @returns whether the archive has changed; false if it is up to date, or must leave the session alone. */
export async function writeWhole(
  session: WholeSession,
  { path, stats, token, revision }: WholeSource,
  { archive, clock, runner }: SourceTools,
): Promise<boolean> {
  const { id, facts, entries } = session;
  const startedMs = clock.now();
  let isWritten = false;
  await archive.sync(id, async (transaction) => {
    const known = transaction.source;
    const isKnown = known?.revision === revision && known.files[0]?.token === token;
    if (transaction.isOffLimits || isKnown) return;
    await transaction.clear();
    for (let at = 0; at < entries.length; at += PIECE) await transaction.write(entries.slice(at, at + PIECE));
    const { ino: inode, dev: device } = stats;
    // Of the session, not of the file, which others are kept in, too.
    const mtimeNs = BigInt(Date.parse(facts.endedAt ?? "") || 0) * 1_000_000n;
    await transaction.save(facts, {
      files: [{ path, token, offset: 0, fingerprint: "", mtimeNs, inode, device }],
      revision,
      parserState: "null",
      contentHash: hashOf(token),
    });
    isWritten = true;
  });
  if (isWritten)
    runner.report({ id, path, malformedLines: facts.malformedLines, tookMs: clock.now() - startedMs });
  return isWritten;
}

/** @returns a short digest. */
export function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url").slice(0, 22);
}
