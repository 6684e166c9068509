/** The SSE server over raw sockets, on every lane. */

import { sseContract } from "../contract/sse.ts";
import { LANES } from "../support/program.ts";

for (const lane of LANES) sseContract(lane);
