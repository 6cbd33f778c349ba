import type { Permissions } from "../permissions/permissions.ts";
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

/**
 * An image's URL for a provider to fetch. `https:` goes to any public host; `http:` and private hosts need a permission.
 *
 * @throws {GeppettoError} PermissionError that names the flag.
 */
export function parseImageURL(text: string, permissions: Permissions): ImageURL {
  const url = URL.parse(text);
  if (url === null) throw unsupportedImage("the URL cannot be read");
  permissions.checkURL(url);
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
    throw unsupportedImage("the data: URL is not base64");
  const mediaType = detectImage(Buffer.from(body, "base64"), "the data: URL");
  return { url: `data:${mediaType};base64,${body}`, name: "", mediaType };
}

function decodeName(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
