import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { Command, CommanderError, Option } from "commander";
import { evalCommand } from "./eval-command.ts";
import { EXIT } from "./exit-codes.ts";
import { collectVariable, parseDuration, parseMegabytes, parseModel } from "./quantities.ts";
import { runCommand } from "./run-command.ts";
import { flushOutput } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

const { version } = createRequire(import.meta.url)("geppetto-js/package.json") as { version: string };

const COMMANDS = ["run", "eval", "help"];

function addScriptOptions(command: Command): Command {
  return command
    .optionsGroup("Model:")
    .addOption(
      new Option("-m, --model <provider:model>", "embedded:demo, openai:…, anthropic:…")
        .env("GEPPETTO_MODEL")
        .argParser(parseModel),
    )
    .optionsGroup("Input and output:")
    .addOption(new Option("-e, --env <KEY=VALUE>", "a variable for process.env; may be repeated").argParser(collectVariable))
    .option("--input <file>", "what the script reads with input(); - is stdin")
    .option("--json", "print exactly one JSON document: result, error, usage, duration")
    .option("--events [file]", "write every event of every step as one line of JSON, to a file or to stderr (--events=file)")
    .option("--stats", "say on stderr what it took")
    .option("-q, --quiet", "say nothing on stderr but errors")
    .optionsGroup("Limits:")
    .addOption(
      new Option("--timeout <time>", "longest time of the script: 60s, 500ms, 2m")
        .env("GEPPETTO_TIMEOUT")
        .default(600_000, "10m")
        .argParser(parseDuration),
    )
    .addOption(
      new Option("--memory <size>", "largest heap of the script: 128MB")
        .env("GEPPETTO_MEMORY")
        .default(128, "128MB")
        .argParser(parseMegabytes),
    );
}

function createProgram(): Command {
  const program = new Command("geppetto-js")
    .description("Runs JavaScript that you need not trust against language models.")
    .version(version)
    .enablePositionalOptions()
    .showSuggestionAfterError();
  const run = program
    .command("run")
    .description("run a script; - reads it from stdin; what follows it are its own arguments")
    .argument("<script>", "a file, or -")
    .argument("[args...]", "what the script finds in process.argv")
    .passThroughOptions()
    .action(runCommand);
  const evaluate = program
    .command("eval")
    .description("run one line of code and print its value")
    .argument("<code>", "an expression, or statements; may await")
    .action(evalCommand);
  for (const command of [program, addScriptOptions(run), addScriptOptions(evaluate)]) command.exitOverride();
  return program;
}

/** `geppetto-js script.js` is `run script.js`; a bare `--events` never takes the script for its file. */
function normalise(args: readonly string[]): string[] {
  const [first] = args;
  const isScript = first !== undefined && !first.startsWith("-") && !COMMANDS.includes(first);
  const named = isScript && (/[./\\]/.test(first) || existsSync(first)) ? ["run", ...args] : [...args];
  const bare = named.indexOf("--events");
  const script = named.findIndex((arg, i) => i > 0 && !arg.startsWith("-"));
  if (bare >= 0 && (script < 0 || bare <= script)) named[bare] = "--events=-";
  return named;
}

/** Runs the command line and ends the process with its exit code. */
export async function runCommandLine(args: readonly string[]): Promise<void> {
  process.stdout.on("error", endQuietly);
  process.stderr.on("error", endQuietly);
  try {
    await createProgram().parseAsync(normalise(args), { from: "user" });
  } catch (error) {
    process.exitCode = reportFailure(error);
  }
  await flushOutput();
  process.exit();
}

/** The reader of our output has gone: there is nobody to tell. */
function endQuietly(error: NodeJS.ErrnoException): void {
  process.exit(error.code === "EPIPE" ? EXIT.ok : EXIT.bug);
}

function reportFailure(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof UsageError) {
    process.stderr.write(`error: ${error.message}\n`);
    return error.exitCode;
  }
  const shown = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`geppetto-js has a bug: ${shown}\n`);
  return EXIT.bug;
}
