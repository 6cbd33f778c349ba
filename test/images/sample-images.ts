/** Small whole images, made here byte by byte. */
import { crc32, deflateSync } from "node:zlib";

function chunk(type: string, data: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** One pixel, with as many bytes more as wanted in a chunk that nobody reads. */
export function png(padding = 0): Buffer {
  return Buffer.concat([
    Buffer.from("89504e470d0a1a0a", "hex"),
    chunk("IHDR", Buffer.from("00000001000000010802000000", "hex")),
    ...(padding > 0 ? [chunk("teXt", Buffer.alloc(padding))] : []),
    chunk("IDAT", deflateSync(Buffer.from([0, 255, 0, 0]))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

export function gif(): Buffer {
  return Buffer.from("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7", "base64");
}

export function webp(): Buffer {
  return Buffer.from("UklGRiQAAABXRUJQVlA4IBgAAAAwAQCdASoBAAEAAwA0JaQAA3AA/vuUAAA=", "base64");
}

/** The segments of a JPEG; what they hold is noise, with a stuffed byte and a restart marker in the scan. */
export function jpeg(): Buffer {
  return Buffer.from("ffd8ffe00004aabbffdb0003ccffda0004010212ff0034ffd056ff3cffd9".replace("ff3c", "ff00"), "hex");
}
