import { BlockList, isIP, isIPv4 } from "node:net";
import { GeppettoError } from "../shared/errors.ts";

/** A host that was allowed by name. */
interface HostRule {
  /** As it was given. */
  text: string;
  name: string;
  /** Does it stand for all names below it, and not for itself? */
  isWildcard: boolean;
  /** "" for any. */
  port: string;
}

/** Hosts by name; true for every public one. */
export type HostRules = readonly HostRule[] | true;

export interface HostVerdict {
  granted: boolean;
  rule: string;
  /** Would naming the host help? */
  isNameable: boolean;
}

const PRIVATE_IPV4 = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  // Answers the machines of one cloud, at an address that looks public.
  ["168.63.129.16", 32],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["224.0.0.0", 3],
] as const;
/** Beside private ones those that carry an IPv4 address, which may be any. */
const PRIVATE_IPV6 = [
  ["::", 96],
  ["::ffff:0:0:0", 96],
  ["64:ff9b::", 96],
  ["64:ff9b:1::", 48],
  ["2001::", 32],
  ["2002::", 16],
  ["fc00::", 7],
  ["fe80::", 10],
  ["fec0::", 10],
  ["ff00::", 8],
] as const;

let privateList: BlockList | undefined;

/** Made on use: most scripts name no host. */
function privateAddresses(): BlockList {
  if (privateList !== undefined) return privateList;
  privateList = new BlockList();
  for (const [net, prefix] of PRIVATE_IPV4) privateList.addSubnet(net, prefix, "ipv4");
  for (const [net, prefix] of PRIVATE_IPV6) privateList.addSubnet(net, prefix, "ipv6");
  return privateList;
}

const PRIVATE_NAME = /(?:^|\.)(?:localhost|local|localdomain|internal|intranet|private|corp|home|lan|svc|home\.arpa)$/;

/** Is this a host of this machine, of its network, or one that no other machine can know? Names are not looked up. */
export function isPrivateHost(hostname: string): boolean {
  const host = plainName(hostname).replace(/^\[|\]$/g, "");
  const mapped = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/.exec(host);
  if (mapped) {
    const [high, low] = [Number.parseInt(mapped[1]!, 16), Number.parseInt(mapped[2]!, 16)];
    return privateAddresses().check([high >> 8, high & 255, low >> 8, low & 255].join("."), "ipv4");
  }
  if (isIP(host) > 0) return privateAddresses().check(host, isIPv4(host) ? "ipv4" : "ipv6");
  return !host.includes(".") || PRIVATE_NAME.test(host);
}

/**
 * A host to allow: `example.com`, `*.example.com` for all names below it, `127.0.0.1:8080`, `[::1]`.
 *
 * @throws {GeppettoError} ConfigError for anything else.
 */
export function parseHostRule(text: string): HostRule {
  const isWildcard = text.startsWith("*.");
  const rest = isWildcard ? text.slice(2) : text;
  const url = /[/?#@\\\s*]/.test(rest) ? null : URL.parse(`https://${rest}`);
  const name = plainName(url?.hostname ?? "");
  if (url === null || name === "" || (isWildcard && isIP(name.replace(/^\[|\]$/g, "")) > 0)) {
    throw new GeppettoError(
      "ConfigError",
      `Cannot allow the host ${JSON.stringify(text)}: expected one such as example.com, *.example.com or 127.0.0.1:8080`,
    );
  }
  // The scheme's own port is left out of a URL, so it has to be read from the text.
  return { text, name, isWildcard, port: /:(\d+)$/.exec(rest.replace(/^\[.*\]/, ""))?.[1] ?? "" };
}

/** Does the name stand for this machine, whatever a resolver says? */
export function isLoopbackName(hostname: string): boolean {
  return /(?:^|\.)localhost$/.test(plainName(hostname));
}

export function isLoopbackAddress(address: string): boolean {
  return address === "::1" || address.startsWith("127.");
}

/** May a script fetch this URL? Nothing that is not named, and with `true` what is public. */
export function judgeFetch(url: URL, rules: HostRules): HostVerdict {
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    return { granted: false, rule: "only http: and https: URLs can be fetched", isNameable: false };
  }
  if (url.username !== "" || url.password !== "") {
    return { granted: false, rule: "its URL holds credentials", isNameable: false };
  }
  const named = rules === true ? undefined : rules.find((rule) => fits(url, rule));
  if (named !== undefined) return { granted: true, rule: named.text, isNameable: true };
  if (isPrivateHost(url.hostname)) return { granted: false, rule: "it is not a public host", isNameable: true };
  if (rules === true) return { granted: true, rule: "any public host", isNameable: true };
  return { granted: false, rule: "no rule allows it", isNameable: true };
}

/** May a provider be handed this `https:` or `http:` URL? */
export function judgeURL(url: URL, rules: HostRules): HostVerdict {
  if (url.username !== "" || url.password !== "") {
    return { granted: false, rule: "its URL holds credentials", isNameable: false };
  }
  const named = rules === true ? undefined : rules.find((rule) => fits(url, rule));
  if (named !== undefined) return { granted: true, rule: named.text, isNameable: true };
  if (isPrivateHost(url.hostname)) return { granted: false, rule: "it is not a public host", isNameable: true };
  if (url.protocol === "https:") return { granted: true, rule: "public https", isNameable: true };
  if (rules === true) return { granted: true, rule: "any public host", isNameable: true };
  return { granted: false, rule: "its URL is not encrypted", isNameable: true };
}

function fits(url: URL, { name, isWildcard, port }: HostRule): boolean {
  const ownPort = url.port || (url.protocol === "http:" ? "80" : "443");
  if (port !== "" && Number(port) !== Number(ownPort)) return false;
  const host = plainName(url.hostname);
  return isWildcard ? host.endsWith(`.${name}`) : host === name;
}

function plainName(hostname: string): string {
  return hostname.toLowerCase().replace(/\.+$/, "");
}
