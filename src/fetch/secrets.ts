import { isPrivateHost, judgeFetch, parseHostRule, type HostRules } from "../permissions/host-access.ts";
import { showAsked } from "../permissions/flag-for.ts";
import { REDACTED } from "../base/redacted.ts";
import { closestName } from "../shared/closest-name.ts";
import { type ErrorName, GeppettoError } from "../shared/errors.ts";
import { MAX_HEADER_CHARS, tooManyHeaders } from "./fetch-request.ts";
import { SecretPatterns } from "./secret-patterns.ts";

/** A secret that scripts can have sent, and never see. */
export interface Secret {
  value?: string;
  /** Why there is no value: then a request that holds the secret is an error which says so. */
  missing?: string;
  /** To which hosts it may go: `api.github.com`, `*.example.com`, `127.0.0.1:8080`. */
  hosts: readonly string[];
}

/** A shorter one would be found by chance in texts that hold no secret. In characters. */
const MIN_LENGTH = 8;
const MAX_LENGTH = 8_192;
const MAX_SECRETS = 100;

const NAME = /^[A-Za-z_$][\w$]*$/;
const BASIC = /^(basic\s+)([A-Za-z\d+/]+=*)$/i;

interface Kept {
  name: string;
  value: string | undefined;
  missing: string | undefined;
  placeholder: string;
  hosts: HostRules;
  named: readonly string[];
}

/** The secrets of an engine: what stands for them in its guest, and where they are put in its place. */
export class Secrets {
  readonly patterns: SecretPatterns;
  readonly #kept: readonly Kept[];

  /** @throws {GeppettoError} ConfigError that names the secret. */
  constructor(given: Readonly<Record<string, Secret>>) {
    const entries = Object.entries(given);
    if (entries.length > MAX_SECRETS) throw invalid(`there may be ${MAX_SECRETS} of them`);
    this.#kept = entries.map(([name, secret]) => keep(name, secret));
    this.patterns = new SecretPatterns(this.#kept.flatMap(({ value = [] }) => value));
  }

  /** What scripts have in place of each. */
  placeholders(): Record<string, string> {
    return Object.fromEntries(this.#kept.map(({ name, placeholder }) => [name, placeholder]));
  }

  /** What is wrong with the name of an unknown secret. */
  unknown(name: string): GeppettoError {
    const close = closestName(
      name,
      this.#kept.map((secret) => secret.name),
    );
    const advice = close === undefined ? "; the host or the configuration names secrets" : `; did you mean ${close}?`;
    return new GeppettoError("ConfigError", `Cannot use secrets.${name}: there is no such secret${advice}`);
  }

  /**
   * A header's value as it goes to this address.
   *
   * @throws {GeppettoError} PermissionError where it holds a secret that may not go there.
   */
  reveal(value: string, url: URL): { value: string; isSecret: boolean } {
    const basic = BASIC.exec(value);
    if (basic !== null) {
      const inner = this.#put(Buffer.from(basic[2]!, "base64").toString(), url);
      if (inner.isSecret) {
        return { value: `${basic[1]}${Buffer.from(inner.value).toString("base64")}`, isSecret: true };
      }
    }
    return this.#put(value, url);
  }

  #put(text: string, url: URL): { value: string; isSecret: boolean } {
    let value = text;
    for (const kept of this.#kept) {
      if (!value.includes(kept.placeholder)) continue;
      if (!mayGo(url, kept)) {
        const hosts = kept.named.map((host) => showAsked(host)).join(", ");
        throw denied(`${kept.name} goes to ${hosts} by https, and not to ${showAsked(url.origin)}`);
      }
      const { placeholder, value: secret } = kept;
      if (secret === undefined) throw missingSecret(kept);
      // A script can name it as often as it likes, and need not send so many bytes itself.
      const times = value.split(placeholder).length - 1;
      if (value.length + times * secret.length > MAX_HEADER_CHARS) throw tooManyHeaders();
      value = value.replaceAll(placeholder, () => secret);
    }
    return { value, isSecret: value !== text };
  }

  /**
   * Sees to it that a part of a request holds no secret's placeholder: it would go out as it is.
   *
   * @throws {GeppettoError} PermissionError that names it.
   */
  refuseIn(part: "URL" | "body", text: string | Buffer): void {
    const found = this.#kept.find(({ placeholder }) => text.includes(placeholder));
    if (found === undefined) return;
    throw denied(`${found.name} stands in the ${part} of a request, and secrets go into headers only`);
  }

  /**
   * Sees to it that a redirect hands no secret on in its URL, not even in a name that is looked up, whoever has put it
   * there.
   *
   * @throws {GeppettoError} PermissionError.
   */
  refuseSentOn(location: string, url: URL, from: URL): void {
    if (![location, url.href].some((text) => this.patterns.isIn(text))) return;
    throw denied(`a redirect of ${showAsked(from.host)} holds a secret`);
  }

  /** An error that tells no secret, whatever a server has put into what it is about. */
  cleaned(error: unknown): unknown {
    if (!(error instanceof GeppettoError) || !this.patterns.isIn(error.message)) return error;
    const { name, message, code, isTransient } = error;
    const clean = this.patterns.clean(message);
    const shown = this.patterns.isIn(clean) ? `fetch failed: ${REDACTED}` : clean;
    return new GeppettoError(name as ErrorName, shown, { code, isTransient });
  }
}

/** Without encryption only to this machine, or to an address of its network. */
function mayGo(url: URL, { hosts }: Kept): boolean {
  return judgeFetch(url, hosts).granted && (url.protocol === "https:" || isPrivateHost(url.hostname));
}

function missingSecret({ name, missing }: Kept): GeppettoError {
  return new GeppettoError("ConfigError", `Cannot send secrets.${name}: ${missing}`, { code: "ERR_CONFIG_SECRET" });
}

function denied(why: string): GeppettoError {
  return new GeppettoError("PermissionError", `secret access denied: ${why}`, { code: "ERR_SECRET" });
}

function keep(name: string, secret: Secret): Kept {
  if (!NAME.test(name)) throw invalid(`${JSON.stringify(name)} is not a name`);
  const { value, missing, hosts } = (secret ?? {}) as Record<"value" | "missing" | "hosts", unknown>;
  const isMissing = value === undefined && typeof missing === "string";
  if (!isMissing) checkValue(name, value);
  if (!Array.isArray(hosts) || hosts.length === 0 || !hosts.every((host) => typeof host === "string")) {
    throw invalid(`the hosts of ${name} have to be a list of at least one host`);
  }
  const named: string[] = hosts;
  return {
    name,
    value: isMissing ? undefined : (value as string),
    missing: isMissing ? missing : undefined,
    placeholder: `__secrets.${name}__`,
    hosts: named.map(parseHostRule),
    named,
  };
}

function checkValue(name: string, value: unknown): void {
  if (typeof value !== "string" || value.length < MIN_LENGTH || value.length > MAX_LENGTH) {
    throw invalid(`the value of ${name} has to be a text of ${MIN_LENGTH} to ${MAX_LENGTH} characters`);
  }
  if (/[^\x20-\x7e]/.test(value)) throw invalid(`the value of ${name} holds what no header can`);
}

function invalid(why: string): GeppettoError {
  return new GeppettoError("ConfigError", `Cannot give scripts secrets: ${why}`);
}
