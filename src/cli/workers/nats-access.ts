import { isNatsAddress, type NatsAccess } from "../../workers/index.ts";
import { UsageError } from "../options/usage-error.ts";

/** What the options say whose names begin with `--nats`. */
export interface NatsOptions {
  nats?: string;
  natsPrefix?: string;
  natsReplicas?: number;
}

/**
 * How to reach the server. A name and a password, or a token, may stand before its host, as `nats://user:pass@host:4222`;
 * `NATS_CREDS` names a file of credentials, `NATS_CA` one of certificates.
 *
 * @throws {UsageError} where there is no address.
 */
export function natsAccess(
  { nats, natsPrefix: prefix, natsReplicas: replicas }: NatsOptions,
  env: NodeJS.ProcessEnv,
): NatsAccess {
  if (nats === undefined || nats === "")
    throw new UsageError("Cannot reach NATS: say where it is with --nats URL, or GEPPETTO_NATS");
  const { NATS_CREDS: credentials, NATS_CA: caFile } = env;
  const servers: string[] = [];
  let who: { user: string; pass: string } | { token: string } | undefined;
  for (const one of nats.split(",")) {
    const found = /^(?:(?:nats|tls):\/\/)?(?:([^:@/]*)(?::([^@/]*))?@)?([^@/]+)\/?$/.exec(one.trim());
    if (found === null || !isNatsAddress(found[3]))
      throw new UsageError(`Cannot reach NATS: ${withoutSecret(one)} is not an address such as nats://host:4222`);
    const [, user, pass, host] = found;
    if (user !== undefined) {
      const name = decoded(user);
      who = pass === undefined ? { token: name } : { user: name, pass: decoded(pass) };
    }
    servers.push(host!);
  }
  const isTls = /(^|,)\s*tls:/.test(nats) || caFile !== undefined;
  return {
    servers,
    ...who,
    ...(prefix === undefined ? {} : { prefix }),
    ...(replicas === undefined ? {} : { replicas }),
    ...(credentials === undefined ? {} : { credentials }),
    ...(isTls ? { tls: caFile === undefined ? {} : { caFile } } : {}),
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new UsageError("Cannot reach NATS: a % in a name or a password of its address is written %25");
  }
}

function withoutSecret(address: string): string {
  return address.replace(/[^/]*@/, "…@");
}
