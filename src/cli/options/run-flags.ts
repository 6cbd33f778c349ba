import { InvalidArgumentError, Option, type Command } from "commander";
import {
  checkSetting,
  type Flag,
  FLAG_GROUPS,
  type FlagGroup,
  flagVariable,
  parseMoment,
  RUN_OPTION_BY_KEY,
  type RunOption,
  type Setting,
  SETTING_BY_PATH,
} from "../../options.ts";
import { BARE_VALUES } from "./prepare-arguments.ts";
import { collectNames, collectVariable } from "./quantities.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The flag of a setting. Its text is found under the setting's path, and read with the rest of the configuration. */
class SettingOption extends Option {
  readonly #path: string;

  constructor(path: string, flags: string, description: string) {
    super(flags, description);
    this.#path = path;
  }

  override attributeName(): string {
    return this.#path;
  }
}

export interface RunFlagsOptions {
  /** Default: all. */
  groups?: readonly FlagGroup[];
  /** What is left out: settings by their paths, other flags by their keys. */
  without?: readonly string[];
  /** Defaults that the command has of its own, by the paths of their settings. */
  defaults?: Readonly<Record<string, string>>;
}

/** Adds the flags of these groups, in the order of the table, each group under its own heading of the help. */
export function addRunFlags(
  command: Command,
  env: Environment,
  { groups = FLAG_GROUPS, without = [], defaults = {} }: RunFlagsOptions = {},
): Command {
  for (const group of groups) {
    const settings = [...SETTING_BY_PATH].flatMap(([path, setting]) =>
      setting.flag?.group === group && !without.includes(path)
        ? [toSettingOption(path, setting, setting.flag, defaults[path])]
        : [],
    );
    const others = [...RUN_OPTION_BY_KEY].flatMap(([key, option]) =>
      option.flag.group === group && !without.includes(key) ? [toOption(option, env)] : [],
    );
    for (const option of [...settings, ...others]) command.addOption(option.helpGroup(`${group}:`));
  }
  return command;
}

function toSettingOption(path: string, setting: Setting, flag: Flag, own?: string): Option {
  const { kind, help, merge } = setting;
  const usual = own ?? setting.default ?? setting.implied;
  const option = new SettingOption(path, syntaxOf(flag), usual === undefined ? help : `${help} (default: ${usual})`);
  if (typeof kind !== "string") return option.choices(kind);
  if (merge === "subset") return option.argParser(collectNames).conflicts("untrusted");
  return option.argParser((text: string): string => {
    const expected = checkSetting(path, text);
    if (expected !== undefined) throw new InvalidArgumentError(`Expected ${expected}.`);
    return text;
  });
}

function toOption({ flag, help, kind, choices, flagOnly, conflicts = [] }: RunOption, env: Environment): Option {
  const option = new Option(syntaxOf(flag), help).conflicts([...conflicts]);
  if (choices !== undefined) option.choices([...choices]);
  if (kind !== undefined) option.argParser<unknown>((text, before) => PARSERS[kind](text, before as never));
  // What chooses settings is read with them, from its variable too.
  return flagOnly || flag.group === "Model" ? option : fromEnvironment(option, flagVariable(flag), env);
}

function syntaxOf({ name, short, takes }: Flag): string {
  const names = short === undefined ? name : `${short}, ${name}`;
  return takes === undefined ? names : `${names} ${takes}`;
}

const OFF = /^(?:0|false|no)$/i;
const ON = /^(?:1|true|yes)$/i;

/** An empty variable, and 0 or false for a flag that may stand alone, is as good as none; 1 or true is the flag alone. */
function fromEnvironment(option: Option, name: string, env: Environment): Option {
  const value = env[name] ?? "";
  if (value === "" || (!option.required && OFF.test(value))) return option;
  const alone = option.optional && ON.test(value) ? BARE_VALUES[option.long!] : undefined;
  return alone === undefined ? option.env(name) : option.default(alone, name);
}

/** Readers of one text; those that collect get what stood before it. */
const PARSERS: Record<NonNullable<RunOption["kind"]>, (text: string, before: never) => unknown> = {
  model: checkModel,
  assignments: collectAssignment,
  pairs: collectVariable,
  integer: readInteger,
  moment: readMoment,
};

function readInteger(text: string): number {
  const value = Number(text);
  if (/^[+-]?\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError("Expected a whole number.");
}

function readMoment(text: string): number {
  const ms = parseMoment(text);
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError('Expected a date such as "2026-01-01T00:00:00Z".');
}

function checkModel(text: string): string {
  if (/^[^:]+(?::.+)?$/s.test(text)) return text;
  throw new InvalidArgumentError("Expected provider:model, for example embedded:demo.");
}

function collectAssignment(text: string, before: readonly string[] = []): string[] {
  if (text.indexOf("=") < 1) throw new InvalidArgumentError("Expected path=value, for example chat.temperature=0.2.");
  return [...before, text];
}
