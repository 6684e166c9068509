/** Every agent that sessionwatch knows. */

import type { LinesAgent } from "./agent.ts";
import { claudeCode } from "./claude-code/claude-code.ts";
import { codex } from "./codex/codex.ts";

export const AGENTS: readonly LinesAgent[] = [claudeCode, codex];
