import { Option, type Command } from "commander";
import { describeUntrusted } from "./script-limits.ts";
import { collectNames, collectVariable } from "./quantities.ts";
import { addIsolationOption, addLimitOptions, addModelOptions, type SettingOptions } from "./setting-options.ts";

/** What the script may use. Their variables are read with the rest of the configuration. */
export interface AllowOptions {
  /** Files and folders that may be read beside the script's own folder. */
  allowRead?: readonly string[] | true;
  /** Hosts whose `http:` URLs, or private addresses, may be handed to a provider. */
  allowNet?: readonly string[] | true;
  /** Variables of this process that the script may see. */
  allowEnv?: readonly string[] | true;
  /** Packages, files and folders that may be imported from beside the script's own folder. */
  allowImport?: readonly string[] | true;
}

/** The options that `run` and `eval` share. */
export interface ScriptOptions extends SettingOptions, AllowOptions {
  env?: Record<string, string>;
  input?: string;
  json?: true;
  /** A file, or "-" for stderr. */
  events?: string;
  stats?: true;
  quiet?: true;
  verbose?: true;
  untrusted?: true;
  /** A cassette that answers are added to. */
  record?: string;
  /** A cassette that answers are taken from. */
  replay?: string;
  /** Is the run to be kept in the log of runs? */
  log: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The option's variable in the environment; an empty one, and for a switch 0 or false, is as good as none. */
function fromEnvironment(option: Option, env: Environment): Option {
  const name = `GEPPETTO_${option.name().replaceAll("-", "_").toUpperCase()}`;
  const value = env[name] ?? "";
  const isSwitch = !option.required && !option.optional;
  return value === "" || (isSwitch && /^(0|false|no)$/i.test(value)) ? option : option.env(name);
}

type AddOption = (flags: string, description: string, shape?: (option: Option) => Option) => void;

function adder(command: Command, env: Environment): AddOption {
  return (flags, description, shape = (option) => option) =>
    void command.addOption(fromEnvironment(shape(new Option(flags, description)), env));
}

/** Adds the options that say what goes in and out, and whether the run is kept. */
export function addStreamOptions(command: Command, env: Environment): Command {
  const add = adder(command, env);
  command.optionsGroup("Input and output:");
  command.addOption(
    new Option("-e, --env <KEY=VALUE>", "a variable for process.env; may be repeated").argParser(collectVariable),
  );
  add("--input <file>", "what the script reads with input(); - is stdin");
  add("--json", "print exactly one JSON document: result, error, usage, duration");
  add("--events [file]", "write every event of every step as a line of JSON: --events=file, or --events for stderr");
  add("--stats", "say on stderr what it took");
  add("-q, --quiet", "say nothing on stderr but errors and what the script writes there", (option) =>
    option.conflicts("verbose"),
  );
  add("-v, --verbose", "say on stderr what runs with which limits, and how it ends");
  // Without a variable of its own: GEPPETTO_LOG is the log's file.
  return command.addOption(new Option("--no-log", "do not keep this run in the log that geppetto-js runs shows"));
}

function addPermissionOptions(command: Command): void {
  const add: AddOption = (flags, description, shape = (option) => option) =>
    void command.addOption(shape(new Option(flags, description)));
  const names = (option: Option): Option => option.argParser(collectNames).conflicts("untrusted");
  command.optionsGroup("Permissions:");
  add("--allow-read [paths]", "files and folders that the script may read beside its own folder; bare: any", names);
  add("--allow-net [hosts]", "hosts whose http: or private URLs a model may be handed; bare: all public ones", names);
  add(
    "--allow-import [modules]",
    "packages by name, and files and folders as ./path, that it may import from beside its own folder; bare: any",
    names,
  );
  add("--allow-env <names>", "variables of this shell that the script may see in process.env", names);
}

/** Adds the options of `run` and `eval` to a command, grouped as its help shows them. */
export function addScriptOptions(command: Command, env: Environment): Command {
  const add = adder(command, env);
  addModelOptions(command);
  addStreamOptions(command, env);
  addLimitOptions(command);
  addPermissionOptions(command);
  add(
    "--untrusted",
    `for scripts of people you do not know: no compiler, nothing allowed, at most ${describeUntrusted()}`,
  );
  addIsolationOption(command);
  command.optionsGroup("Reproducing:");
  add("--record <file>", "add what the models answer to a cassette, a readable JSON file");
  add("--replay <file>", "take the answers from a cassette and ask nobody", (option) => option.conflicts("record"));
  return command;
}
