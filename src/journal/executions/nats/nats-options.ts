import { isIPv6 } from "node:net";
import type { JournalLimits } from "../tables/journal-tables.ts";
import { withDefaults } from "../../../shared/values/with-defaults.ts";
import { refuseWrong, type FieldsOf } from "../../../shared/wrong-option.ts";
import { isObject } from "../../../shared/is-object.ts";

/** How to reach a NATS server, as plain data: it is handed to a thread. */
export interface NatsAccess {
  /** "host:port" or a URL, or several; default "127.0.0.1:4222". */
  servers?: string | string[];
  /** A file with the user's JWT and key, as `nsc` makes it. */
  credentials?: string;
  user?: string;
  pass?: string;
  token?: string;
  /** Encrypts the connection; files of certificates, as the NATS client takes them. */
  tls?: { caFile?: string; certFile?: string; keyFile?: string };
  /** What all names on the server begin with: streams, buckets and subjects. Letters, digits, "-" and "_"; default "geppetto". */
  prefix?: string;
  /** On how many servers of a cluster streams and buckets that are made here are kept; default 1. */
  replicas?: number;
  /** How long a server that is away is waited for before a call fails, in milliseconds; default 30,000. */
  patienceMs?: number;
}

const SCHEME = /^(?:nats|tls):\/\//;
const HOST = /^(?:[a-z\d_-]+(?:\.[a-z\d_-]+)*\.?|\[[\da-f:.]+\])$/;

/** Can a server be there? Whether one is, is another question. */
export function isNatsAddress(address: unknown): boolean {
  if (typeof address !== "string") return false;
  const rest = address.replace(SCHEME, "");
  const url = URL.parse(`http://${isIPv6(rest) ? `[${rest}]` : rest}`);
  return url !== null && HOST.test(url.hostname) && url.pathname + url.search + url.hash === "/";
}

export interface NatsJournalOptions extends NatsAccess {
  /** What one execution, and all of them, may take; see the docs. */
  limits?: Partial<JournalLimits>;
  /**
   * How long an attempt on another machine, or one that hangs, may be silent before its execution can be taken over, in
   * milliseconds; default 30,000. Whoever makes the streams says so for all.
   */
  silenceMs?: number;
  /**
   * How much a stream of executions that is made here may hold, in bytes: the server sets that much aside, and refuses what
   * is more. Default what the server has.
   */
  maxBytes?: number;
}

const ACCESS_FIELDS: FieldsOf<NatsAccess> = {
  servers: true,
  credentials: true,
  user: true,
  pass: true,
  token: true,
  tls: true,
  prefix: true,
  replicas: "count",
  patienceMs: "amount",
};
export const JOURNAL_FIELDS: FieldsOf<NatsJournalOptions> = {
  ...ACCESS_FIELDS,
  limits: true,
  silenceMs: "milliseconds",
  maxBytes: "amountOrNone",
};

/** @throws {GeppettoError} ConfigError for what would be overlooked. */
export function checkAccess(what: string, access: NatsAccess): void {
  refuseWrong(what, access, ACCESS_FIELDS);
  checkTls(what, access);
}

/** Likewise, of the files for encryption alone. */
export function checkTls(what: string, { tls }: NatsAccess): void {
  if (isObject(tls)) refuseWrong(what, tls, { caFile: true, certFile: true, keyFile: true });
}

/** The same, with nothing left open. */
export interface NatsSettings extends NatsAccess {
  servers: string | string[];
  prefix: string;
  patienceMs: number;
  silenceMs: number;
  maxBytes: number;
  replicas: number;
}

/** A stream with a limit of its own has that much of the disk set aside, whether it needs it or not. */
const NO_LIMIT = -1;
const DEFAULTS = {
  servers: "127.0.0.1:4222",
  prefix: "geppetto",
  patienceMs: 30_000,
  maxBytes: NO_LIMIT,
  replicas: 1,
};

export function toSettings(options: NatsAccess & { silenceMs: number; maxBytes?: number }): NatsSettings {
  return { ...withDefaults<Omit<NatsSettings, "silenceMs">>(DEFAULTS, options), silenceMs: options.silenceMs };
}
