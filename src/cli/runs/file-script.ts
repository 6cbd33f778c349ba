import { basename, dirname, resolve } from "node:path";
import { looksBinary, NOT_TEXT, readRegularFile, reasonOf } from "../../files.ts";
import { UsageError } from "../options/usage-error.ts";
import { EXIT } from "../output/exit-codes.ts";
import { readStdin } from "../session/read-stdin.ts";
import type { SessionScript } from "../session/session-script.ts";

/** Largest script. */
const MAX_BYTES = 16_000_000;

/** The text of a script in a file, or on stdin. */
export async function readScript(script: string): Promise<string> {
  if (script === "-") return readStdin("the script", MAX_BYTES);
  const named = script === "" ? '""' : script;
  let source: string | undefined;
  try {
    source = readRegularFile(script, { maxBytes: MAX_BYTES });
  } catch (error) {
    throw new UsageError(`Cannot run ${named}: ${reasonOf(error)}; - reads a script from stdin`, EXIT.noFile);
  }
  if (source === undefined) throw new UsageError(`Cannot run ${named}: there is no such file or folder`, EXIT.noFile);
  if (looksBinary(source)) throw new UsageError(`Cannot run ${named}: ${NOT_TEXT}`, EXIT.load);
  return source;
}

/** A script in a file, or on stdin. */
export async function fileScript(script: string, args: readonly string[]): Promise<SessionScript> {
  // The mark of its byte order does not belong to a text.
  const source = (await readScript(script)).replace(/^\uFEFF/, "");
  const name = script === "-" ? "script.js" : basename(script);
  const folder = script === "-" ? {} : { folder: dirname(resolve(script)) };
  return { candidates: [{ code: source, name }], source, label: name, args, command: "run", ...folder };
}
