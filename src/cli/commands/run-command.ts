import { resolve } from "node:path";
import type { Command } from "commander";
import { prestartBundler } from "../../index.ts";
import { loadSettings } from "../options/load-settings.ts";
import type { ScriptOptions } from "../options/script-options.ts";
import { fileScript, readScript } from "../runs/file-script.ts";
import { ScriptSession } from "../session/script-session.ts";
import { noInspector } from "../options/no-inspector.ts";
import { strayFlags, withoutFlag } from "../options/prepare-arguments.ts";
import { UsageError } from "../options/usage-error.ts";
import type { WatchedFiles } from "../watch/watch-files.ts";

const BEFORE_SCRIPT = "options of geppetto-js come before it; write -- before its own";

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
  if (options.inspect !== undefined) throw noInspector(script);
  if (options.watch) return await watchRun(script, options, command);
  // A leading -- only says where the script's own arguments begin.
  const found = await fileScript(script, args[0] === "--" ? args.slice(1) : args);
  const { source, label: name, folder } = found;
  // It starts while the rest does.
  if (folder !== undefined && options.untrusted !== true) prestartBundler({ name, code: source, folder });
  const settings = await loadSettings(options, { source, name, folder });
  // A script that is a program of its own has flags of its own.
  const stray = source.startsWith("#!") ? [] : strayFlags(args, command.options);
  if (stray.length > 0) settings.warnings.push(`Passing ${stray.join(", ")} to the script: ${BEFORE_SCRIPT}`);
  if (options.durable) {
    const { runDurably } = await import("../executions/lasting-run.ts");
    return runDurably(found, options, settings);
  }
  if (options.id !== undefined)
    throw new UsageError("Cannot use --id: it names an execution that lasts, with --durable");
  await new ScriptSession(options, settings).run(found);
}

/** Runs the script again whenever something that it depends on changes. */
async function watchRun(script: string, options: ScriptOptions, command: Command): Promise<void> {
  const { input, replay, quiet } = options;
  for (const [what, file] of [
    ["a script", script],
    ["the input", input],
  ] as const) {
    if (file === "-") throw new UsageError(`Cannot watch ${what} on stdin, which is read once: give it as a file`);
  }
  await readScript(script);
  const { rawArgs } = command.parent as Command & { rawArgs: string[] };
  const args = withoutFlag(rawArgs, "--watch", command);
  const { filesOfRun } = await import("../watch/watched-files.ts");
  const { watchFiles } = await import("../watch/watch-files.ts");
  const files = (): WatchedFiles => filesOfRun(script, [input, replay]);
  await watchFiles({ args, files, needed: resolve(script), ...(quiet ? { quiet } : {}) });
}
