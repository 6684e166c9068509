/** An agent that tells what it is given. */

import type { LinesAgent } from "../../src/agents/agent.ts";
import { claudeCode } from "../../src/agents/claude-code/claude-code.ts";

/** Claude Code, telling of every line that is parsed; `meanwhile` runs after each piece. */
export function listening(
  meanwhile: (lines: readonly string[], id: string) => void = () => undefined,
): LinesAgent & { parsed: string[] } {
  const parsed: string[] = [];
  return {
    ...claudeCode,
    parsed,
    parse(lines, state, place) {
      const result = claudeCode.parse(lines, state, place);
      parsed.push(...lines);
      if (lines.length > 0) meanwhile(lines, place.id);
      return result;
    },
  };
}
