import { createHash } from "node:crypto";

/**
 * SHA-256, in hex, over texts with their lengths, so that no two lists of texts run together into one.
 *
 * @example
 * hashParts(["a", "bc"]) === hashParts(["ab", "c"]); // false
 */
export function hashParts(parts: readonly string[]): string {
  const hash = createHash("sha256");
  for (const part of parts)
    hash
      .update(`${Buffer.byteLength(part)}:`)
      .update(part)
      .update("\n");
  return hash.digest("hex");
}
