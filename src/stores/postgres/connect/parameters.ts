/**
 * All parameters of libpq, and what becomes of them here: none is sent to the server, and none is overlooked.
 *
 * @see https://www.postgresql.org/docs/18/libpq-connect.html#LIBPQ-PARAMKEYWORDS
 */

import { refused } from "./refusal.ts";

/** Those whose values make a difference. `host` and `port` are lists and read elsewhere. */
export type Understood =
  | "user"
  | "password"
  | "dbname"
  | "passfile"
  | "schema"
  | "connect_timeout"
  | "sslmode"
  | "sslrootcert"
  | "sslcert"
  | "sslkey"
  | "sslpassword"
  | "sslcertmode"
  | "sslsni"
  | "ssl_min_protocol_version"
  | "ssl_max_protocol_version";

export interface Setting {
  value: string;
  /** What the user would change: the parameter's name, or that of a variable. */
  source: string;
}

export type Settings = ReadonlyMap<Understood, Setting>;

/** Variables, as a process has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * @param parameters come before variables.
 * @returns what is set to something that makes a difference.
 * @throws WatchError `usage` for what is not known, or asks for something that is not done here.
 */
export function settingsOf(parameters: ReadonlyMap<string, string>, env: Environment): Settings {
  // libpq takes over how JDBC says it.
  const given = new Map(
    [...parameters].map(([name, value]) => (name === "ssl" ? jdbc(value) : [name, value])),
  );
  if (parameters.has("ssl") && parameters.has("sslmode"))
    throw refused("ssl and sslmode say the same; leave ssl out");
  for (const name of given.keys()) if (!RULES.has(name)) throw unknown(name, parameters);
  const settings = new Map<Understood, Setting>();
  for (const [name, rule] of RULES) {
    const setting = settingOf(given.get(name), name, env, rule);
    if (setting === null) continue;
    check(setting, rule);
    if (rule.understood !== undefined) settings.set(rule.understood, setting);
  }
  // postgres.js itself obeys it, and knows no `any`.
  if ((env["PGTARGETSESSIONATTRS"] ?? "") !== "")
    throw refused("PGTARGETSESSIONATTRS is not supported: any server will do; unset it");
  return settings;
}

/** @returns whether it is called so in libpq, or here. */
export function isParameter(name: string): boolean {
  return name === "host" || name === "port" || RULES.has(name);
}

interface Rule {
  understood?: Understood;
  /** The variable that stands for it. Those that only say how a session begins are left to other programs. */
  env?: string;
  /** Everything, if there are none; nothing, if they are empty. */
  values?: readonly string[];
  /** Why not another value, and what would be right. */
  advice?: string;
}

const KERBEROS = "Kerberos is not supported; leave it out";
const OAUTH = "OAuth is not supported; use a password or a client certificate";
const SCRAM = "keys do not replace a password here; use a password or a client certificate";
const REVOCATION = "lists of revoked certificates are not read; leave it out";
const VERSIONS = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ...understood("user", "PGUSER"),
  ...understood("password", "PGPASSWORD"),
  ...understood("dbname", "PGDATABASE"),
  ...understood("passfile", "PGPASSFILE"),
  ...understood("schema"),
  ...understood("connect_timeout", "PGCONNECT_TIMEOUT"),
  ...understood("sslmode", "PGSSLMODE", [
    "disable",
    "allow",
    "prefer",
    "require",
    "verify-ca",
    "verify-full",
  ]),
  ...understood("sslrootcert", "PGSSLROOTCERT"),
  ...understood("sslcert", "PGSSLCERT"),
  ...understood("sslkey", "PGSSLKEY"),
  ...understood("sslpassword"),
  ...understood("sslcertmode", "PGSSLCERTMODE", ["allow", "disable"]),
  ...understood("sslsni", "PGSSLSNI", ["0", "1"]),
  ...understood("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION", VERSIONS),
  ...understood("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION", VERSIONS.slice(2)),

  // What this program says of itself is more useful to the server's administrator.
  ["application_name", {}],
  ["fallback_application_name", {}],

  ["sslnegotiation", only(["postgres"], "TLS is asked for first", "PGSSLNEGOTIATION")],
  ["sslcompression", only(["0"], "TLS is never compressed", "PGSSLCOMPRESSION")],
  ["channel_binding", only(["disable", "prefer"], "use sslmode=verify-full", "PGCHANNELBINDING")],
  ["gssencmode", only(["disable", "prefer"], "Kerberos is not supported; use sslmode", "PGGSSENCMODE")],
  ["gssdelegation", only(["0"], KERBEROS)],
  ["target_session_attrs", only(["any"], "any server will do; name only the one that is meant")],
  ["load_balance_hosts", only(["disable"], "hosts are tried in order", "PGLOADBALANCEHOSTS")],
  ["client_encoding", only(["UTF8", "utf8", "UTF-8", "utf-8", "auto"], "all text is UTF-8")],
  ["replication", only(["false", "off", "no", "0"], "an archive is read with SQL")],
  ["keepalives", only(["1"], "dead connections must be noticed")],
  ["keepalives_idle", only(["0", "60"], "it is 60 s")],
  ["keepalives_interval", only(["0"], "it is the system's own")],
  ["keepalives_count", only(["0"], "it is the system's own")],
  ["tcp_user_timeout", only(["0"], "it is the system's own")],
  ["min_protocol_version", only(["3.0"], "protocol 3.0 is spoken", "PGMINPROTOCOLVERSION")],
  ["max_protocol_version", only(["3.0", "3.2", "latest"], "protocol 3.0 is spoken", "PGMAXPROTOCOLVERSION")],

  ["hostaddr", never("give the address as host; for a certificate's sake, give the name", "PGHOSTADDR")],
  ["service", never("write into the URL what the service's entry says", "PGSERVICE")],
  ["options", never("the server is asked for nothing that needs them; leave it out")],
  ["require_auth", never("use sslmode=verify-full to be sure of the server", "PGREQUIREAUTH")],
  ["requirepeer", never("use a folder for the socket that only its owner can write to", "PGREQUIREPEER")],
  ["requiressl", never("use sslmode=require")],
  ["sslcrl", never(REVOCATION, "PGSSLCRL")],
  ["sslcrldir", never(REVOCATION, "PGSSLCRLDIR")],
  ["sslkeylogfile", never("what is encrypted stays so; leave it out")],
  ["krbsrvname", never(KERBEROS)],
  ["gsslib", never(KERBEROS)],
  ["scram_client_key", never(SCRAM)],
  ["scram_server_key", never(SCRAM)],
  ["oauth_issuer", never(OAUTH)],
  ["oauth_client_id", never(OAUTH)],
  ["oauth_client_secret", never(OAUTH)],
  ["oauth_scope", never(OAUTH)],
]);

function understood(name: Understood, env?: string, values?: readonly string[]): [string, Rule][] {
  return [[name, { understood: name, ...(env && { env }), ...(values && { values }) }]];
}

function only(values: readonly string[], advice: string, env?: string): Rule {
  return { values, advice, ...(env && { env }) };
}

function never(advice: string, env?: string): Rule {
  return only([], advice, env);
}

function jdbc(value: string): [string, string] {
  if (value !== "true") throw refused("ssl is only understood as ssl=true; use sslmode");
  return ["sslmode", "require"];
}

/** As libpq does it, what is empty is not set. */
function settingOf(value = "", name: string, env: Environment, rule: Rule): Setting | null {
  if (value !== "") return { value, source: name };
  const variable = rule.env === undefined ? "" : (env[rule.env] ?? "");
  return variable === "" ? null : { value: variable, source: rule.env ?? name };
}

function check({ value, source }: Setting, { values, advice }: Rule): void {
  if (values === undefined || values.includes(value)) return;
  if (values.length === 0) throw refused(`${source} is not supported: ${advice}`);
  const choice = `${source} must be ${values.join(", ").replace(/, ([^,]+)$/, " or $1")}`;
  throw refused(advice === undefined ? choice : `${choice}: ${advice}`);
}

function unknown(name: string, parameters: ReadonlyMap<string, string>): Error {
  // In a URL with a password, the name may be the rest of it.
  const isSafe = !parameters.has("password") && !parameters.has("sslpassword") && /^\w{1,40}$/.test(name);
  const which = isSafe ? JSON.stringify(name) : "one that is not shown here";
  const similar = ["host", "port", ...RULES.keys()].find((known) => distance(known, name) <= 2);
  const advice = similar === undefined ? "leave it out" : `did you mean ${similar}?`;
  return refused(`there is no such parameter, neither libpq's nor ours: ${which}; ${advice}`);
}

/** Levenshtein's: how many letters are to be changed, added, or taken away. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
