import { GeppettoError } from "../shared/errors.ts";

/** Most bytes of one image. */
export const MAX_IMAGE_BYTES: number = 20 * 1024 * 1024;

export type ImageMediaType = "image/png" | "image/jpeg" | "image/webp" | "image/gif";

interface Format {
  name: string;
  mediaType: ImageMediaType;
  /** Do the bytes begin like one? */
  matches(bytes: Buffer): boolean;
  /** Do they go on to the format's own end? */
  isComplete(bytes: Buffer): boolean;
}

const PNG_SIGNATURE = Buffer.from("89504e470d0a1a0a", "hex");

const FORMATS: readonly Format[] = [
  {
    name: "PNG",
    mediaType: "image/png",
    matches: (bytes) => bytes.subarray(0, 8).equals(PNG_SIGNATURE),
    isComplete: isCompletePng,
  },
  {
    name: "JPEG",
    mediaType: "image/jpeg",
    matches: (bytes) => bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff,
    isComplete: isCompleteJpeg,
  },
  {
    name: "WebP",
    mediaType: "image/webp",
    matches: (bytes) => text(bytes, 0, 4) === "RIFF" && text(bytes, 8, 12) === "WEBP",
    isComplete: isCompleteWebp,
  },
  {
    name: "GIF",
    mediaType: "image/gif",
    matches: (bytes) => /^GIF8[79]a$/.test(text(bytes, 0, 6)),
    isComplete: isCompleteGif,
  },
];

/**
 * What kind of image these bytes are, by their content, from the first byte to the format's end marker.
 *
 * @param name stands for the image in errors.
 * @throws {GeppettoError} ConversationError `image size exceeds 20MB limit` or `unsupported image format: …`.
 */
export function detectImage(bytes: Buffer, name: string): ImageMediaType {
  if (bytes.length > MAX_IMAGE_BYTES) throw imageTooLarge(name);
  const format = FORMATS.find(({ matches }) => matches(bytes));
  if (format === undefined) throw unsupportedImage(`${name} is neither PNG, JPEG, WebP nor GIF`);
  if (!format.isComplete(bytes)) throw unsupportedImage(`${name} is a ${format.name} that is cut off`);
  return format.mediaType;
}

export function imageTooLarge(name: string): GeppettoError {
  return new GeppettoError("ConversationError", `image size exceeds 20MB limit: ${name}`, { code: "ERR_IMAGE_SIZE" });
}

export function unsupportedImage(reason: string): GeppettoError {
  return new GeppettoError("ConversationError", `unsupported image format: ${reason}`, { code: "ERR_IMAGE_FORMAT" });
}

function text(bytes: Buffer, start: number, end: number): string {
  return bytes.toString("latin1", start, end);
}

/** Types of chunks, as numbers: an image can have millions of chunks. */
const IDAT = Buffer.from("IDAT").readUInt32BE();
const IEND = Buffer.from("IEND").readUInt32BE();

/** Chunks of length, type, data and checksum; the last is IEND, the first IHDR. */
function isCompletePng(bytes: Buffer): boolean {
  if (text(bytes, 12, 16) !== "IHDR") return false;
  let hasData = false;
  for (let at = 8; at + 12 <= bytes.length;) {
    const type = bytes.readUInt32BE(at + 4);
    const end = at + 12 + bytes.readUInt32BE(at);
    if (end > bytes.length) return false;
    if (type === IDAT) hasData = true;
    if (type === IEND) return hasData;
    at = end;
  }
  return false;
}

/** Segments with a length up to a scan, whose data ends at the next marker that is not part of it. */
function isCompleteJpeg(bytes: Buffer): boolean {
  let hasScan = false;
  for (let at = 2; at + 1 < bytes.length;) {
    if (bytes[at] !== 0xff) return false;
    const marker = bytes[at + 1]!;
    if (marker === 0xff) {
      at++;
      continue;
    }
    if (marker === 0xd9) return hasScan;
    if (at + 4 > bytes.length) return false;
    at += 2 + bytes.readUInt16BE(at + 2);
    if (marker !== 0xda) continue;
    hasScan = true;
    while (at + 1 < bytes.length && !isMarker(bytes[at]!, bytes[at + 1]!)) at++;
  }
  return false;
}

/** 0xFF 0x00 is a byte of the data, 0xD0 to 0xD7 restart within it. */
function isMarker(first: number, second: number): boolean {
  return first === 0xff && second !== 0 && second !== 0xff && !(second >= 0xd0 && second <= 0xd7);
}

function isCompleteWebp(bytes: Buffer): boolean {
  if (bytes.length < 20 || !/^VP8[ LX]$/.test(text(bytes, 12, 16))) return false;
  const end = 8 + bytes.readUInt32LE(4);
  if (end > bytes.length) return false;
  let hasImage = false;
  for (let at = 12; at + 8 <= end;) {
    if (/^(?:VP8[ L]|ANMF)$/.test(text(bytes, at, at + 4))) hasImage = true;
    const size = bytes.readUInt32LE(at + 4);
    at += 8 + size;
    if (at > end) return false;
    at += size % 2;
  }
  return hasImage;
}

/** Blocks of sub-blocks, each list ended by a zero, up to the trailer. */
function isCompleteGif(bytes: Buffer): boolean {
  if (bytes.length < 13) return false;
  let hasImage = false;
  for (let at = 13 + tableBytes(bytes[10]!); at < bytes.length;) {
    const kind = bytes[at]!;
    if (kind === 0x3b) return hasImage;
    if (kind === 0x2c) {
      if (at + 10 >= bytes.length) return false;
      at += 11 + tableBytes(bytes[at + 9]!);
      hasImage = true;
    } else if (kind === 0x21) at += 2;
    else return false;
    while (at < bytes.length && bytes[at] !== 0) at += 1 + bytes[at]!;
    at++;
  }
  return false;
}

function tableBytes(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1);
}
