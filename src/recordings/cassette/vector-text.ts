const FLOAT_BYTES = 4;

/** A vector as a text: its numbers as 32-bit floats, little endian, in base64. */
export function toVectorText(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * FLOAT_BYTES);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * FLOAT_BYTES);
  return bytes.toString("base64");
}

/** The vector, to the bit; undefined for a text that does not hold so many numbers. */
export function fromVectorText(text: unknown, dimensions: number): Float32Array | undefined {
  if (typeof text !== "string") return undefined;
  const bytes = Buffer.from(text, "base64");
  if (bytes.length !== dimensions * FLOAT_BYTES || bytes.toString("base64") !== text) return undefined;
  return Float32Array.from({ length: dimensions }, (_, index) => bytes.readFloatLE(index * FLOAT_BYTES));
}
