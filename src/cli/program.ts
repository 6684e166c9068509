/** The command line: what can be asked for, and how it is explained. */

import process from "node:process";
import { Argument, Command, CommanderError, Option } from "commander";
import { messageOf, WatchError } from "../errors.ts";
import { VERSION } from "../version.ts";
import { HEARTBEAT_TICKS, POLL_INTERVAL_MS, SYNC_FALLBACK_DELAY_MS } from "../watch/watcher.ts";
import {
  collectOrigin,
  parseDuration,
  parseHttpUrl,
  parseMachineName,
  parseWhole,
} from "./input/arguments.ts";
import { EXIT, exitCodeOf } from "./exit.ts";
import type { FollowOptions } from "./commands/follow.ts";
import type { ListOptions } from "./commands/list.ts";
import { LOG_FORMATS, LOG_LEVELS, openLog } from "./output/log.ts";
import type { LogOptions } from "./output/log.ts";
import { complain, PipeClosed } from "./output/output.ts";
import type { PgOptions } from "./commands/pg.ts";
import type { PgInstallOptions } from "./commands/pg-install.ts";
import type { ServeOptions } from "./commands/serve.ts";
import type { SyncOptions } from "./commands/sync.ts";
import { targetOf } from "./input/target.ts";
import type { TargetFlags } from "./input/target.ts";

/** @returns the exit code. Everything that goes wrong has been said on standard error by then. */
export async function run(argv: readonly string[]): Promise<number> {
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
    if (program.opts<LogOptions>().logLevel === "debug" && error instanceof Error)
      await complain(`${error.stack}`);
    return exitCodeOf(error);
  }
}

/** Takes the exit code of the command that was run. */
type Done = (exitCode: number) => void;

function createProgram(done: Done): Command {
  const program = new Command("watch")
    .description("Tells people and programs, at once, when an AI coding agent's session changes.")
    .usage("<id> [options]\n       watch --all [options]\n       watch <command> [options]")
    .version(VERSION, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
    .configureHelp({ showGlobalOptions: true });
  addCommonOptions(program);
  // Each is loaded when it is run: a start pays for no other.
  const follow = addFollow(program, done);
  addServe(program, done);
  addList(program, done);
  addSync(program, done);
  addPg(program, done);
  program.addHelpText("after", () => `\n${optionsOf(follow, "Options for following")}\n\n${NOTES}`);
  return program;
}

function addFollow(program: Command, done: Done): Command {
  return program
    .command("follow", { isDefault: true, hidden: true })
    .usage("<id> [options]")
    .description("follow one session, or all of them")
    .argument("[id]", "a full id, an id without its agent prefix, a unique prefix, or `latest`")
    .option("--all", "follow every session, also those that start later")
    .option("--project <name>", "with --all: only sessions of this project")
    .option("--agent <name>", "with --all: only sessions of this agent")
    .option("--machine <name>", "with --all: only sessions of this machine")
    .addOption(
      new Option("--format <format>", "one JSON object a line, or lines to read")
        .choices(["ndjson", "text"])
        .default(process.stdout.isTTY ? "text" : "ndjson", "text on a terminal, else ndjson"),
    )
    .option("--initial", "begin with one session_updated for the present state of each session")
    .option("--count <n>", "end after n session_updated lines", parseWhole(1, Number.MAX_SAFE_INTEGER))
    .option("--timeout <duration>", "end after this time with exit code 124", parseDuration)
    .option("--server <url>", "follow through a running `watch serve` instead of an archive")
    .option("--token-file <path>", "file with the token for --server (default: $SESSIONWATCH_TOKEN)")
    .option(
      "--max-retries <n>",
      "failed connections in a row before giving up on --server",
      parseWhole(0, 1_000_000),
      20,
    )
    .addOption(pollFlag())
    .action(async (id: string | undefined, _options, command: Command) => {
      const options = command.optsWithGlobals<FollowOptions & TargetFlags & LogOptions>();
      const target = targetOf(id, options);
      const { follow: run } = await import("./commands/follow.ts");
      done(await run(target, options, await openLog(options)));
    });
}

function addServe(program: Command, done: Done): void {
  program
    .command("serve")
    .description("stream sessions over HTTP: Server-Sent Events, and a page to look at")
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--port <port>", "port to listen on; 0 means any free one", parseWhole(0, 65_535), 7373)
    .option(
      "--token-file <file>",
      "let in who sends this token (default: $SESSIONWATCH_TOKEN, else everybody)",
    )
    .option(
      "--public-url <url>",
      "where clients find the server, behind a proxy or under a name",
      parseHttpUrl,
    )
    .option(
      "--cors-origin <origin>",
      "let pages of this origin use the server; repeatable",
      collectOrigin,
      [],
    )
    .option(
      "--max-streams <n>",
      "streams at the same time (default: 20000, or what fits into the limit of open files)",
      parseWhole(1, 10_000_000),
    )
    .option(
      "--max-streams-per-address <n>",
      "of these, for one address (default: a tenth)",
      parseWhole(1, 10_000_000),
    )
    .addOption(pollFlag())
    .addOption(machineName())
    .action(async (_options, command: Command) => {
      const options = command.optsWithGlobals<ServeOptions & LogOptions>();
      const { serve } = await import("./commands/serve.ts");
      done(await serve(options, await openLog(options)));
    });
}

function addList(program: Command, done: Done): void {
  program
    .command("list")
    .description("list sessions, newest first")
    .addOption(
      new Option("--format <format>", "lines to read, or one JSON object")
        .choices(["text", "json"])
        .default("text"),
    )
    .option("--project <name>", "only sessions of this project")
    .option("--agent <name>", "only sessions of this agent")
    .option("--machine <name>", "only sessions of this machine")
    .option("--limit <n>", "at most so many", parseWhole(1, 1_000_000), 100)
    .action(async (_options, command: Command) => {
      const options = command.optsWithGlobals<ListOptions & LogOptions>();
      const { list } = await import("./commands/list.ts");
      done(await list(options, await openLog(options)));
    });
}

function addSync(program: Command, done: Done): void {
  program
    .command("sync")
    .description("bring the archive up to date once")
    .addArgument(new Argument("[target]", "a transcript's path or a session; everything if left out"))
    .addOption(machineName())
    .action(async (target: string | undefined, _options, command: Command) => {
      const options = command.optsWithGlobals<SyncOptions & LogOptions>();
      const { sync } = await import("./commands/sync.ts");
      done(await sync(target, options, await openLog(options)));
    });
}

function addPg(program: Command, done: Done): void {
  const pg = program.command("pg").description("prepare a PostgreSQL archive").usage("<command> [options]");
  addPgInit(pg, done);
  addPgInstall(pg, done);
  // For the sake of the message, and last: its commands would inherit it, and ignore what they were given by mistake.
  pg.allowExcessArguments().action((_options, { args: [name] }: Command) => {
    const what = name === undefined ? "missing <command>" : `unknown command '${name}'`;
    throw new WatchError("usage", `pg: ${what}; see \`watch pg --help\``);
  });
}

function addPgInit(pg: Command, done: Done): void {
  pg.command("init")
    .description("create an archive of our own, or bring it up to date with this program")
    .addHelpText("after", PG_INIT_NOTES)
    .action(async (_options, command: Command) => {
      const options = command.optsWithGlobals<PgOptions & LogOptions>();
      const { pgInit } = await import("./commands/pg-init.ts");
      done(await pgInit(options, await openLog(options)));
    });
}

function addPgInstall(pg: Command, done: Done): void {
  pg.command("install")
    .description(
      "let an archive of agentsview's tell of its changes at once: adds triggers to its table sessions",
    )
    .option("--remove", "take them away again", false)
    .addHelpText("after", PG_INSTALL_NOTES)
    .action(async (_options, command: Command) => {
      const options = command.optsWithGlobals<PgInstallOptions & LogOptions>();
      const { pgInstall } = await import("./commands/pg-install.ts");
      done(await pgInstall(options, await openLog(options)));
    });
}

function addCommonOptions(program: Command): void {
  const heartbeat = POLL_INTERVAL_MS * HEARTBEAT_TICKS;
  program
    .option(
      "--db <url>",
      "archive: sqlite:PATH, file:URL, a path, or postgres://… (default: $SESSIONWATCH_DB, else our own)",
    )
    .option(
      "--insecure",
      "allow what strangers could read: PostgreSQL beyond this machine without TLS; `serve` there without a token",
      false,
    )
    .option("--no-sync", "only read the archive; never look at transcripts")
    .addOption(
      duration("--poll-interval <duration>", "look at everything this often, hints or not", POLL_INTERVAL_MS),
    )
    .addOption(
      duration(
        "--sync-delay <duration>",
        "sync a transcript directly when the archive lags this long",
        SYNC_FALLBACK_DELAY_MS,
      ),
    )
    .addOption(duration("--heartbeat <duration>", "say so after this much silence", heartbeat))
    .addOption(
      new Option("--log-level <level>", "log this and what is worse").choices(LOG_LEVELS).default("info"),
    )
    .addOption(
      new Option("--log-format <format>", "log as lines to read, or as JSON lines")
        .choices(LOG_FORMATS)
        .default("text"),
    );
}

function machineName(): Option {
  return new Option(
    "--machine <name>",
    "sync sessions under this name (default: $SESSIONWATCH_MACHINE, else the host's in PostgreSQL, `local` in SQLite)",
  ).argParser(parseMachineName);
}

function pollFlag(): Option {
  return new Option("--poll", "look at transcripts on every poll instead of relying on notifications");
}

function duration(flags: string, description: string, defaultMs: number): Option {
  const text = defaultMs % 1000 === 0 ? `${defaultMs / 1000}s` : `${defaultMs}ms`;
  return new Option(flags, description).argParser(parseDuration).default(defaultMs, text);
}

/** What stands before a `--` decides: after it, an id may be called like a command. */
function withFollowCommand(program: Command, argv: readonly string[]): string[] {
  const end = argv.indexOf("--");
  const names = new Set(program.commands.map((command) => command.name()));
  const hasCommand = argv.slice(0, end).some((word) => names.has(word));
  return end === -1 || hasCommand ? [...argv] : ["follow", ...argv];
}

/** Help and version are what was asked for; everything else is one line that says what would be right. */
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

const NOTES = `Exit codes:
  0 done   1 failed   2 wrong usage   4 no such session   124 --timeout   130 SIGINT   143 SIGTERM

A session called like a command is reached with \`watch -- serve\`.`;

const PG_INIT_NOTES = `
The database is --db postgres://user@host/database, or SESSIONWATCH_DB; ?schema=NAME names the schema, which is
sessionwatch otherwise. The role needs CREATE on the database, or on a schema that was made for it. Any number of
machines can then sync into the archive, and serve it. The command may be run again at any time.

Roles of their own for those who sync and those who read, as the owner says it to the database:
  GRANT USAGE ON SCHEMA sessionwatch TO writer, reader;
  GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA sessionwatch TO writer;
  GRANT SELECT ON ALL TABLES IN SCHEMA sessionwatch TO reader;`;

const PG_INSTALL_NOTES = `
The archive is --db postgres://user@host/database, or SESSIONWATCH_DB; ?schema=NAME names its schema.
The role needs TRIGGER on the table sessions and CREATE on the schema, and only for this command. It may be
run again at any time.`;
