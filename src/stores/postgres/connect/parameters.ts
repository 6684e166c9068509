/** The connection parameters: what the URL and the PG* variables may set. Everything else is refused by name. */

import { WatchError } from "../../../errors.ts";

/** Every parameter, with the variable that gives its default. */
const VARIABLES = {
  host: "PGHOST",
  port: "PGPORT",
  user: "PGUSER",
  password: "PGPASSWORD",
  dbname: "PGDATABASE",
  schema: null,
  connect_timeout: "PGCONNECT_TIMEOUT",
  sslmode: "PGSSLMODE",
  sslrootcert: "PGSSLROOTCERT",
  sslcert: "PGSSLCERT",
  sslkey: "PGSSLKEY",
  passfile: "PGPASSFILE",
} as const;

export type Parameter = keyof typeof VARIABLES;

export interface Setting {
  value: string;
  /** The parameter or variable that set it. */
  source: string;
}

/** Only what is set: as in libpq, an empty value sets nothing. */
export type Settings = ReadonlyMap<Parameter, Setting>;

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Variables of libpq that choose the server or protect the connection, each with the values that change nothing here:
 * ignoring any other value would connect elsewhere, or less safely, than other programs do.
 */
const UNSUPPORTED_VARIABLES: Readonly<Record<string, readonly string[]>> = {
  PGHOSTADDR: [],
  PGSERVICE: [],
  // postgres.js obeys it.
  PGTARGETSESSIONATTRS: [],
  PGREQUIREAUTH: [],
  PGREQUIREPEER: [],
  PGCHANNELBINDING: ["disable", "prefer"],
  PGGSSENCMODE: ["disable", "prefer"],
  PGSSLCERTMODE: ["allow"],
  PGSSLCRL: [],
  PGSSLCRLDIR: [],
  PGSSLMINPROTOCOLVERSION: ["TLSv1", "TLSv1.1", "TLSv1.2"],
};

/** @throws WatchError `usage` for a variable that is not supported. */
export function settingsOf(parameters: ReadonlyMap<Parameter, string>, env: Environment): Settings {
  for (const [variable, harmless] of Object.entries(UNSUPPORTED_VARIABLES)) {
    const value = env[variable] ?? "";
    if (value !== "" && !harmless.includes(value)) throw refused(`${variable} is not supported; unset it`);
  }
  const settings = new Map<Parameter, Setting>();
  for (const [name, variable] of Object.entries(VARIABLES) as [Parameter, string | null][]) {
    const given = parameters.get(name) ?? "";
    const value = given === "" && variable !== null ? (env[variable] ?? "") : given;
    if (value !== "") settings.set(name, { value, source: given === "" ? (variable ?? name) : name });
  }
  return settings;
}

export function isParameter(name: string): name is Parameter {
  return Object.hasOwn(VARIABLES, name);
}

/** @param name null if it may be part of a password. */
export function unsupported(name: string | null): WatchError {
  const which = name === null ? "a parameter, not shown here," : name;
  return refused(`${which} is not supported; supported: ${Object.keys(VARIABLES).join(", ")}`);
}

/** @param reason says what to change, on one line, and repeats nothing that may be part of a password. */
export function refused(reason: string): WatchError {
  return new WatchError("usage", `--db: ${reason}`);
}
