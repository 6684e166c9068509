/** The program: arguments in, exit code out. */

import process from "node:process";
import { runCommandLine } from "./cli/program.ts";

process.exit(await runCommandLine(process.argv.slice(2)));
