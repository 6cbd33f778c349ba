import { BlockList, isIP, isIPv4 } from "node:net";
import { GeppettoError } from "../shared/errors.ts";
import { detectImage, type ImageMediaType, imageTooLarge, MAX_IMAGE_BYTES, unsupportedImage } from "./image-format.ts";

export interface ImageURL {
  url: string;
  name: string;
  /** "" where the URL does not tell. */
  mediaType: ImageMediaType | "";
}

const EXTENSIONS: Record<string, ImageMediaType> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  webp: "image/webp",
  gif: "image/gif",
};

const PRIVATE = new BlockList();
for (const [net, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["224.0.0.0", 3],
] as const) {
  PRIVATE.addSubnet(net, prefix, "ipv4");
}
for (const [net, prefix] of [
  ["::", 96],
  ["64:ff9b::", 96],
  ["fc00::", 7],
  ["fe80::", 10],
  ["fec0::", 10],
  ["ff00::", 8],
] as const) {
  PRIVATE.addSubnet(net, prefix, "ipv6");
}
const PRIVATE_NAME = /(?:^|\.)(?:localhost|local|internal|intranet|lan|home\.arpa)$/;

/** Is this a host of this machine, of its network, or one that no other machine can know? */
export function isPrivateHost(hostname: string): boolean {
  const host = hostname
    .toLowerCase()
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "");
  const mapped = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/.exec(host);
  if (mapped) {
    const [high, low] = [Number.parseInt(mapped[1]!, 16), Number.parseInt(mapped[2]!, 16)];
    return PRIVATE.check([high >> 8, high & 255, low >> 8, low & 255].join("."), "ipv4");
  }
  if (isIP(host) > 0) return PRIVATE.check(host, isIPv4(host) ? "ipv4" : "ipv6");
  return !host.includes(".") || PRIVATE_NAME.test(host);
}

/**
 * An image's URL for a provider to fetch. `https:` goes to any public host, `http:` only to hosts that are allowed by
 * name; private hosts need that too.
 *
 * @param net names of allowed hosts, `*.example.com` among them; true allows every public one.
 * @throws {GeppettoError} PermissionError that names the flag.
 */
export function parseImageURL(text: string, net: readonly string[] | true): ImageURL {
  const url = URL.parse(text);
  if (url === null) throw unsupportedImage("the URL cannot be read");
  const { protocol, hostname, host } = url;
  if (url.username !== "" || url.password !== "")
    throw refused(`${hostname} would get a name and a password`, hostname);
  const isNamed = net !== true && net.some((allowed) => fits(hostname, host, allowed));
  if (isPrivateHost(hostname) && !isNamed) throw refused(`${hostname} is no public host`, hostname);
  if (protocol === "http:" && !isNamed && net !== true)
    throw refused(`${hostname} would be asked without encryption`, hostname);
  const name = decodeName(url.pathname.split("/").at(-1) ?? "");
  return { url: url.href, name, mediaType: EXTENSIONS[name.split(".").at(-1)?.toLowerCase() ?? ""] ?? "" };
}

/**
 * A `data:` URL with base64 of one of the four formats, its type put right by its content.
 *
 * @throws {GeppettoError} ConversationError as of {@link detectImage}.
 */
export function parseImageData(text: string): ImageURL {
  const comma = text.indexOf(",");
  const head = /^data:([^;,]*)((?:;[^;,]+)*)$/i.exec(text.slice(0, Math.min(comma, 200)));
  if (comma < 0 || head === null || !/;base64$/i.test(head[2]!)) throw unsupportedImage("a data: URL must hold base64");
  const body = text.slice(comma + 1);
  if (body.length > Math.ceil(MAX_IMAGE_BYTES / 3) * 4) throw imageTooLarge("the data: URL");
  if (body.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(body))
    throw unsupportedImage("the data: URL is no base64");
  const mediaType = detectImage(Buffer.from(body, "base64"), "the data: URL");
  return { url: `data:${mediaType};base64,${body}`, name: "", mediaType };
}

function refused(reason: string, hostname: string): GeppettoError {
  return new GeppettoError(
    "PermissionError",
    `Cannot use the image's URL: ${reason}; allow it with --allow-net=${hostname}`,
  );
}

function fits(hostname: string, host: string, allowed: string): boolean {
  const name = allowed.toLowerCase();
  if (name.startsWith("*.")) return hostname.endsWith(name.slice(1));
  return name === hostname || name === host;
}

function decodeName(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
