import { InvalidArgumentError, Option, type Command } from "commander";
import { checkSetting } from "../../config.ts";

/** Options that are settings too. Their texts are read with the rest of the configuration, as are their variables. */
export interface SettingOptions {
  profile?: string;
  /** `provider:model`. */
  model?: string;
  /** `path=value`, each. */
  set?: string[];
  timeout?: string;
  cpu?: string;
  memory?: string;
  maxCalls?: string;
  maxTokens?: string;
  maxCost?: string;
  concurrency?: string;
  approve?: string;
  isolation?: string;
}

function collect(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

function checkModel(text: string): string {
  if (/^[^:]+(?::.+)?$/s.test(text)) return text;
  throw new InvalidArgumentError("Expected provider:model, for example embedded:demo.");
}

function checkAssignment(text: string, before?: readonly string[]): string[] {
  if (text.indexOf("=") < 1) throw new InvalidArgumentError("Expected path=value, for example chat.temperature=0.2.");
  return collect(text, before);
}

/** Adds an option whose text has to fit a setting. */
function addSetting(command: Command, path: string, flags: string, description: string): void {
  const check = (text: string): string => {
    const expected = checkSetting(path, text);
    if (expected !== undefined) throw new InvalidArgumentError(`Expected ${expected}.`);
    return text;
  };
  command.addOption(new Option(flags, description).argParser(check));
}

/** Adds the options that say who answers. */
export function addModelOptions(command: Command): Command {
  return command
    .optionsGroup("Model:")
    .option("-p, --profile <name>", "the profile of geppetto.yaml or of your own configuration that counts")
    .option("-m, --model <provider:model>", "who answers: embedded:demo (default), openai:…, anthropic:…", checkModel)
    .option("--set <path=value>", "any setting, such as chat.temperature=0.2; may be repeated", checkAssignment);
}

/** Adds the options that bound a script. */
export function addLimitOptions(command: Command): Command {
  command.optionsGroup("Limits:");
  const add = (path: string, flags: string, description: string): void => addSetting(command, path, flags, description);
  add("limits.timeout", "--timeout <time>", "longest time of the script: 60s, 500ms, 2m (default: 10m)");
  add("limits.cpu", "--cpu <time>", "longest time that the script may compute: 10s; waiting is free (default: any)");
  add("limits.memory", "--memory <size>", "largest heap of the script (default: 128MB)");
  add("limits.maxCalls", "--max-calls <count>", "most requests to models");
  add("limits.maxTokens", "--max-tokens <count>", "most tokens in and out, of all requests together");
  add(
    "limits.maxCost",
    "--max-cost <dollars>",
    "most that all requests together may cost; needs prices in the settings",
  );
  add("limits.concurrency", "--concurrency <count>", "most requests to models at once; more wait");
  return command.addOption(
    new Option(
      "--approve <when>",
      "tool calls that a model wants: ask you about each, or make them never or always (default: always)",
    ).choices(["ask", "never", "always"]),
  );
}

/** Adds the option that says where a script runs. */
export function addIsolationOption(command: Command): Command {
  return command
    .optionsGroup("Isolation:")
    .addOption(
      new Option(
        "--isolation <kind>",
        "a process of its own for the script, or a thread, for scripts that you trust (default: process)",
      ).choices(["process", "thread"]),
    );
}
