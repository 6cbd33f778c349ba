import { StringDecoder } from "node:string_decoder";
import { EXIT } from "../output/exit-codes.ts";
import { UsageError } from "../options/usage-error.ts";

/** Longest line that is read, in characters. */
const MAX_LINE = 1_000_000;

/**
 * The lines of a stream as they come, without what ends them.
 *
 * @throws {UsageError} for a line without end.
 */
export async function* inputLines(input: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  for await (const chunk of input) {
    const lines = (rest + decoder.write(chunk)).split("\n");
    rest = lines.pop()!;
    for (const line of lines) yield line.replace(/\r$/, "");
    if (rest.length > MAX_LINE) {
      throw new UsageError(`Cannot read stdin: a line is longer than ${MAX_LINE} characters`, EXIT.usage);
    }
  }
  rest += decoder.end();
  if (rest !== "") yield rest;
}
