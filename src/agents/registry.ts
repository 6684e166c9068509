/** Every agent that sessionwatch knows. */

import { aider } from "./aider/aider.ts";
import type { Agent } from "./agent.ts";
import { claudeCode } from "./claude-code/claude-code.ts";
import { codex } from "./codex/codex.ts";
import { openCode } from "./opencode/opencode.ts";

export const AGENTS: readonly Agent[] = [claudeCode, codex, openCode, aider];
