/** `watch pg init`, `watch pg install`: what the command line knows of them; each is loaded when it runs. */

import type { Command } from "commander";
import { WatchError } from "../../errors.ts";
import type { Done } from "../exit.ts";
import { openLog } from "../output/log.ts";
import type { LogFlags } from "../output/log.ts";
import type { PgInstallOptions } from "./pg-install.ts";
import type { PgOptions } from "./pg.ts";

export function addPg(program: Command, done: Done): void {
  const pg = program.command("pg").description("prepare a PostgreSQL archive").usage("<command> [options]");
  addPgInit(pg, done);
  addPgInstall(pg, done);
  // Last, because its commands would inherit it and ignore excess arguments. It is here for the message below.
  pg.allowExcessArguments().action((_options, { args: [name] }: Command) => {
    const what = name === undefined ? "missing <command>" : `unknown command '${name}'`;
    throw new WatchError("usage", `pg: ${what}; see \`watch pg --help\``);
  });
}

function addPgInit(pg: Command, done: Done): void {
  pg.command("init")
    .description("create our own archive in PostgreSQL, or upgrade it to this version of the program")
    .addHelpText("after", INIT_NOTES)
    .action(async (_options, command: Command) => {
      const flags = command.optsWithGlobals<PgOptions & LogFlags>();
      const { pgInit } = await import("./pg-init.ts");
      done(await pgInit(flags, await openLog(flags)));
    });
}

function addPgInstall(pg: Command, done: Done): void {
  pg.command("install")
    .description("add triggers to an agentsview archive, so that it sends notifications at once")
    .option("--remove", "remove the triggers", false)
    .addHelpText("after", INSTALL_NOTES)
    .action(async (_options, command: Command) => {
      const flags = command.optsWithGlobals<PgInstallOptions & LogFlags>();
      const { pgInstall } = await import("./pg-install.ts");
      done(await pgInstall(flags, await openLog(flags)));
    });
}

const INIT_NOTES = `
The database is --db postgres://user@host/database, or SESSIONWATCH_DB. ?schema=NAME names the schema (default:
sessionwatch). The role needs CREATE on the database, or on an existing schema. Any number of machines can then sync
into the archive and serve it. You can run the command again at any time.

To give writers and readers roles of their own, run as the owner:
  GRANT USAGE ON SCHEMA sessionwatch TO writer, reader;
  GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA sessionwatch TO writer;
  GRANT SELECT ON ALL TABLES IN SCHEMA sessionwatch TO reader;`;

const INSTALL_NOTES = `
The archive is --db postgres://user@host/database, or SESSIONWATCH_DB. ?schema=NAME names its schema.
The role needs TRIGGER on the table sessions and CREATE on the schema, for this command only. You can run it again
at any time.`;
