import { EXIT } from "../output/exit-codes.ts";
import { UsageError } from "../options/usage-error.ts";

/**
 * What stdin gives, to its end.
 *
 * @param what is read, for the error: "the script".
 * @throws {UsageError} as soon as it is more than `maxBytes`.
 */
export async function readStdin(what: string, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) {
      throw new UsageError(
        `Cannot read ${what} from stdin: it is larger than ${Math.floor(maxBytes / 1_000_000)} MB`,
        EXIT.noFile,
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
