import { basename, dirname, resolve } from "node:path";
import type { Command } from "commander";
import { readRegularFile, reasonOf } from "../../files.ts";
import { prestartBundler } from "../../index.ts";
import { readStdin } from "../session/read-stdin.ts";
import { EXIT } from "../output/exit-codes.ts";
import { loadSettings } from "../options/load-settings.ts";
import type { ScriptOptions } from "../options/script-options.ts";
import { ScriptSession } from "../session/script-session.ts";
import type { SessionScript } from "../session/session-script.ts";
import { strayFlags } from "../options/prepare-arguments.ts";
import { UsageError } from "../options/usage-error.ts";

const BEFORE_SCRIPT = "options of geppetto-js come before it; write -- before its own";

/** Largest script. */
const MAX_BYTES = 16_000_000;

async function readScript(script: string): Promise<string> {
  if (script === "-") return readStdin("the script", MAX_BYTES);
  let source: string | undefined;
  try {
    source = readRegularFile(script, { maxBytes: MAX_BYTES });
  } catch (error) {
    throw new UsageError(`Cannot run ${script}: ${reasonOf(error)}; - reads a script from stdin`, EXIT.noFile);
  }
  if (source === undefined) throw new UsageError(`Cannot run ${script}: there is no such file or folder`, EXIT.noFile);
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

/** `geppetto-js run <script|-> [args…]` */
export async function runCommand(
  script: string,
  args: readonly string[],
  options: ScriptOptions,
  command: Command,
): Promise<void> {
  if (script === "-" && options.input === "-") {
    throw new UsageError("Cannot read both the script and its input from stdin: give one of them as a file");
  }
  // A leading -- only says where the script's own arguments begin.
  const found = await fileScript(script, args[0] === "--" ? args.slice(1) : args);
  const { source, label: name, folder } = found;
  // It starts while the rest does.
  if (folder !== undefined && options.untrusted !== true) prestartBundler({ name, code: source, folder });
  const settings = await loadSettings(options, { source, name, folder });
  // A script that is a program of its own has flags of its own.
  const stray = source.startsWith("#!") ? [] : strayFlags(args, command.options);
  if (stray.length > 0) settings.warnings.push(`Passing ${stray.join(", ")} to the script: ${BEFORE_SCRIPT}`);
  await new ScriptSession(options, settings).run(found);
}
