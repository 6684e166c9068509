/** The command line: which commands there are, and how the program ends. */

import { Command, CommanderError } from "commander";
import { messageOf } from "../errors.ts";
import { VERSION } from "../version.ts";
import { addFollow } from "./commands/follow.ts";
import { addList } from "./commands/list.ts";
import { addPg } from "./commands/pg-commands.ts";
import { addServe } from "./commands/serve.ts";
import { addSync } from "./commands/sync.ts";
import { EXIT, exitCodeOf } from "./exit.ts";
import type { Done } from "./exit.ts";
import { addCommonOptions } from "./input/common-options.ts";
import type { LogFlags } from "./output/log.ts";
import { complain, PipeClosed } from "./output/output.ts";

/** Runs the program. @returns the exit code; errors are already on standard error. */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  let exitCode: number = EXIT.done;
  const program = createProgram((code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(withFollowCommand(program, argv), { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof PipeClosed) return EXIT.done;
    if (error instanceof CommanderError) return await explainUsage(error);
    await complain(messageOf(error));
    if (program.opts<LogFlags>().logLevel === "debug" && error instanceof Error)
      await complain(`${error.stack}`);
    return exitCodeOf(error);
  }
}

function createProgram(done: Done): Command {
  const program = new Command("watch")
    .description("Notifies people and programs at once when an AI coding agent's session changes.")
    .usage("<id> [options]\n       watch --all [options]\n       watch <command> [options]")
    .version(VERSION, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
    .configureHelp({ showGlobalOptions: true });
  addCommonOptions(program);
  // These only declare: each command loads what it runs, so that a start does not wait for the others.
  const follow = addFollow(program, done);
  addServe(program, done);
  addList(program, done);
  addSync(program, done);
  addPg(program, done);
  program.addHelpText("after", () => `\n${optionsOf(follow, "Options for following")}\n\n${NOTES}`);
  return program;
}

/** Only the words before `--` can be a command; after it, an id may have the name of a command. */
function withFollowCommand(program: Command, argv: readonly string[]): string[] {
  const end = argv.indexOf("--");
  const names = new Set(program.commands.map((command) => command.name()));
  const hasCommand = argv.slice(0, end).some((word) => names.has(word));
  return end === -1 || hasCommand ? [...argv] : ["follow", ...argv];
}

/** Help and version succeed; all other errors become one line that says what would be right. */
async function explainUsage(error: CommanderError): Promise<number> {
  if (error.exitCode === 0) return EXIT.done;
  const message = error.message.replace(/^error: /, "").replaceAll(/\s+/g, " ");
  await complain(`${message} (see \`watch --help\`)`);
  return EXIT.usage;
}

function optionsOf(command: Command, title: string): string {
  const help = command.createHelp();
  const options = command.options.map(
    (option) => [help.optionTerm(option), help.optionDescription(option)] as const,
  );
  const width = Math.max(...options.map(([term]) => term.length));
  return [`${title}:`, ...options.map(([term, text]) => `  ${term.padEnd(width)}  ${text}`)].join("\n");
}

const NOTES = `With --server: if the first connection is refused, it exits at once. Disconnections over 5 s, and reconnects, are
reported on stderr.

Exit codes:
  0 done   1 failed   2 wrong usage   4 no such session   124 --timeout   130 SIGINT   143 SIGTERM

To follow a session that has the name of a command: \`watch -- serve\`.`;
