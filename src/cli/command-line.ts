import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { Command, CommanderError } from "commander";
import { reasonOf } from "../files.ts";
import { checkEnvironment, OTHER_VARIABLES, VENDOR_VARIABLES } from "../options.ts";
import { EXIT } from "./output/exit-codes.ts";
import { prepareArguments, type PreparedArguments } from "./options/prepare-arguments.ts";
import { printNotes } from "./output/print-table.ts";
import { failureDocument } from "./session/script-document.ts";
import { addAuthorCommands } from "./options/author-options.ts";
import { addHelpCommands } from "./options/help-options.ts";
import { addMcpCommand } from "./options/mcp-options.ts";
import { addReplCommand } from "./options/repl-options.ts";
import { addRunFlags } from "./options/run-flags.ts";
import { addRunsCommand } from "./options/runs-options.ts";
import { addSetupCommands } from "./options/setup-options.ts";
import { addWorkerCommands } from "./options/worker-options.ts";
import { addTestCommand } from "./options/test-options.ts";
import { isReaderGone } from "./output/terminal.ts";
import { toJson } from "./output/to-json.ts";
import { errorLine, UsageError, withoutConfigError } from "./options/usage-error.ts";

const { version } = createRequire(import.meta.url)("geppetto-js/package.json") as { version: string };

const ENVIRONMENT_HELP = `
Also:
  geppetto-js ./script.js           short for run ./script.js, so that scripts may begin with a #! line

Environment:
  GEPPETTO_PROFILE, GEPPETTO_MODEL, GEPPETTO_TIMEOUT, …  an option of run and eval that is not given
  GEPPETTO_CHAT_TEMPERATURE, …                           any setting, such as chat.temperature
${Object.entries(OTHER_VARIABLES)
  .map(([name, help]) => `  ${name.padEnd(53)}  ${help}`)
  .join("\n")}
  ${VENDOR_VARIABLES.join(", ")}
`;

type ScriptCommands = typeof import("./commands/script-commands.ts");

/** What the commands do that run scripts. Loaded on use: help, and the rest, needs no engine. */
function scriptCommands(): Promise<ScriptCommands> {
  return import("./commands/script-commands.ts");
}

/** The code of what the parser of the command line refuses. */
const USAGE = "ERR_USAGE";

const COMMANDS = [
  "run",
  "eval",
  "test",
  "check",
  "init",
  "repl",
  "mcp",
  "runs",
  "worker",
  "submit",
  "profiles",
  "keys",
  "trust",
  "types",
  "doctor",
  "explain",
  "completion",
  "help",
];

/** The options of a command are made where its name is given: there are so many that it can be felt. */
function createProgram(args: readonly string[]): Command {
  const program = new Command("geppetto-js")
    .description("Runs JavaScript that you need not trust against language models.")
    .version(version)
    .enablePositionalOptions()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error:/, `error [${USAGE}]:`)) });
  const run = program
    .command("run")
    .description("run a script; - reads it from stdin; what follows it are its own arguments")
    .argument("<script>", "a file, or -")
    .argument("[args...]", "what the script finds in process.argv")
    .passThroughOptions()
    .action(async (...given: Parameters<ScriptCommands["runCommand"]>) =>
      (await scriptCommands()).runCommand(...given),
    );
  const evaluate = program
    .command("eval")
    .description("run one line of code and print its value")
    .argument("<code>", "an expression, or statements; may await")
    .action(async (...given: Parameters<ScriptCommands["evalCommand"]>) =>
      (await scriptCommands()).evalCommand(...given),
    );
  program.addHelpText("after", ENVIRONMENT_HELP);
  if (args.includes("run")) addRunFlags(run, process.env);
  if (args.includes("eval")) addRunFlags(evaluate, process.env, { without: ["watch", "durable", "id"] });
  const test = addTestCommand(program, process.env, args.includes("test"));
  const repl = addReplCommand(program, process.env, args.includes("repl"));
  const mcp = addMcpCommand(program, process.env, args.includes("mcp"));
  const runs = addRunsCommand(program, process.env);
  const workers = addWorkerCommands(program, process.env, args.includes("worker"));
  const authors = addAuthorCommands(program, args);
  const setups = addSetupCommands(program);
  // Those that read settings check this with them.
  for (const command of [runs, ...setups]) if (command.name() !== "doctor") command.hook("preAction", checkVariables);
  const helps = addHelpCommands(program, () =>
    createProgram(["run", "eval", "test", "check", "repl", "mcp", "worker"]),
  );
  const others = setups.flatMap((command) => [command, ...command.commands]);
  for (const command of [
    program,
    run,
    evaluate,
    test,
    repl,
    mcp,
    ...authors,
    ...workers,
    runs,
    ...runs.commands,
    ...others,
    ...helps,
  ])
    command.exitOverride();
  return program;
}

function checkVariables(): void {
  try {
    checkEnvironment(process.env);
  } catch (error) {
    throw withoutConfigError(error);
  }
}

/** `geppetto-js script.js` is `run script.js`; help of an unknown command is refused as the command is. */
function withCommand(args: readonly string[]): string[] {
  const [first, second = "-"] = args;
  if (first === "help" && !second.startsWith("-") && !COMMANDS.includes(second)) return [second];
  const isScript = first !== undefined && !first.startsWith("-") && !COMMANDS.includes(first);
  return isScript && (/[./\\]/.test(first) || existsSync(first)) ? ["run", ...args] : [...args];
}

/** Runs the command line and ends the process with its exit code. */
export async function runCommandLine(given: readonly string[]): Promise<void> {
  const named = withCommand(given);
  const program = createProgram(named);
  const prepared = prepareArguments(named, program.commands);
  const { args } = prepared;
  const end = (error: unknown): never => {
    process.exit(isHangUp(error) ? EXIT.hangup : reportFailure(error, prepared, program));
  };
  // Nobody is left to tell when the reader of a stream has gone; a stream that fails otherwise is an error.
  let failure: string | undefined;
  for (const [name, stream] of [
    ["stdout", process.stdout],
    ["stderr", process.stderr],
  ] as const) {
    stream.on("error", (error) => {
      if (!isReaderGone(error, stream)) failure ??= `Cannot write to ${name}: ${reasonOf(error)}`;
    });
  }
  process.on("uncaughtException", end);
  process.on("unhandledRejection", end);
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    process.exitCode = reportFailure(error, prepared, program);
  }
  const flushed = [process.stdout, process.stderr].map(
    (stream) => new Promise<void>((resolve) => void stream.write("", () => resolve())),
  );
  await Promise.all(flushed);
  // The events of a failed stream come after what waits for it.
  await new Promise((resolve) => setImmediate(resolve));
  if (failure !== undefined) {
    printNotes([errorLine({ message: failure, code: "ERR_OUTPUT" })]);
    process.exitCode = EXIT.output;
  }
  process.exit();
}

/** Was the terminal closed on which something is typed? Reading there fails before the signal for it comes. */
function isHangUp(error: unknown): boolean {
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  return code === "EIO" && (syscall === "read" || syscall === "setRawMode") && process.stdin.isTTY;
}

const ABSOLUTE_PATH = /(?:file:\/\/)?(?:[A-Za-z]:)?(?:[\\/][\w.@+-]+)+[\\/]([\w.@+-]+)/g;

/** What to say of an error that nobody foresaw: its first line, without the paths of this machine. */
function describeBug(error: unknown): string {
  if (process.env["GEPPETTO_DEBUG"]) return String(error instanceof Error ? error.stack : error);
  const message = error instanceof Error ? error.message : String(error);
  const [line = ""] = message.split("\n");
  return `geppetto-js has a bug, please report it: ${line.replace(ABSOLUTE_PATH, "$1")}`;
}

/** What the system had no more of. */
const SHORTAGES: Readonly<Record<string, string>> = {
  EMFILE: "this program has too many files open; ulimit -n says how many it may",
  ENFILE: "the system has too many files open",
  EAGAIN: "the system lets this user have no more processes; ulimit -u says how many they may",
  ENOMEM: "the system has no memory left",
};

/** What the user can mend; undefined for what is ours to. */
function toUsageError(error: unknown): UsageError | undefined {
  if (error instanceof UsageError) return error;
  const { code, message, syscall } = (error ?? {}) as { code?: unknown; message?: unknown; syscall?: unknown };
  if (code === "ERR_AUDIT") return new UsageError(String(message), EXIT.config, code);
  if (code === "ERR_ENGINE_START" || code === "ERR_ENGINE_CRASHED")
    return new UsageError(String(message), EXIT.crashed, code);
  const shortage = syscall !== undefined && typeof code === "string" ? SHORTAGES[code] : undefined;
  if (shortage !== undefined) return new UsageError(`Cannot go on: ${shortage}`, EXIT.crashed, "ERR_ENGINE_START");
  if (syscall === "uv_cwd") return new UsageError("Cannot use the working folder: it has been removed", EXIT.noFile);
  return undefined;
}

/** The command that is called and those that it is one of, without the program itself. */
function calledCommands(program: Command, args: readonly string[]): Command[] {
  const called: Command[] = [];
  for (const word of args) {
    const command = (called.at(-1) ?? program).commands.find((one) => one.name() === word);
    if (command === undefined) break;
    called.push(command);
  }
  return called;
}

/** Is it an option of the command that is called, and one without a value? */
function takesNoValue(program: Command, args: readonly string[], flag: string): boolean {
  const command = calledCommands(program, args).at(-1);
  return command?.options.some((option) => option.long === flag && !option.required && !option.optional) ?? false;
}

/** Says what went wrong before or around a script, and returns the exit code. */
function reportFailure(error: unknown, { args, json, id }: PreparedArguments, program: Command): number {
  if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
  let message: string;
  let exitCode: number = EXIT.usage;
  let code = USAGE;
  let runId = id;
  if (error instanceof CommanderError) {
    // Commander has said it on stderr; an option before the command is the slip that it does not explain.
    message = error.message.replace(/^error: /, "");
    const given = /^unknown option '(--[\w-]+)=/.exec(message)?.[1];
    if (given !== undefined && takesNoValue(program, args, given)) {
      process.stderr.write(`hint: ${given} takes no value: write ${given}, or leave it out\n`);
    } else if (error.code === "commander.unknownOption" && args[0]?.startsWith("-") === true) {
      process.stderr.write("hint: options follow the command: geppetto-js run [options] script.js\n");
    } else if (error.code === "commander.missingArgument") {
      process.stderr.write(
        `hint: geppetto-js ${calledCommands(program, args)
          .map((one) => one.name())
          .join(" ")} --help says how it is used\n`,
      );
    }
  } else {
    const usage = toUsageError(error);
    exitCode = usage?.exitCode ?? EXIT.bug;
    message = usage?.message ?? describeBug(error);
    code = usage?.code ?? "ERR_BUG";
    runId = usage?.runId ?? id;
    printNotes([errorLine({ message, code })]);
  }
  if (json) process.stdout.write(`${toJson(failureDocument({ message, code, runId }, exitCode))}\n`);
  return exitCode;
}
