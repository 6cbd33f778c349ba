import { CHAT_OPTIONS, type TextMessage, type ToolRound } from "../../../src/shared/chat-messages.ts";
import {
  defineField,
  defineHidden,
  isArray,
  ObjectCreate,
  ObjectKeys,
  SafeDate,
  SafeError,
  SafeTypeError,
  SafeWeakMap,
  StringStartsWith,
} from "../../../src/shared/primordials.ts";
import { nameOfOpaque } from "../../../src/shared/values/opaque-objects.ts";
import { FUNCTION, splitTools, type SplitTools } from "./chat-tools.ts";
import { checkOptions } from "../core/calls.ts";
import { conversationSnapshot } from "../conversation/conversation.ts";
import { withReferences } from "../conversation/conversation-images.ts";
import { guestError } from "../core/errors.ts";
import type { StepBinding } from "../steps/step-body.ts";

type Settings = Record<string, unknown>;

/** The rounds of tools that led to a message, kept beside it for those who keep the whole conversation. */
const toolRounds = new SafeWeakMap<object, ToolRound[]>();

/** The summary that stands for the beginning of a conversation, kept beside the message that came with it. */
const summaries = new SafeWeakMap<object, PlacedSummary>();

export interface PlacedSummary {
  text: string;
  /** The place in its thread of the first message that it does not stand for. */
  place: number;
}

export function summaryOf(message: object): PlacedSummary | undefined {
  return summaries.get(message);
}

export function toolRoundsOf(message: object): ToolRound[] {
  return toolRounds.get(message) ?? [];
}

/** An assistant message as scripts get it: times are Dates, `String(message)` is its text. */
export function toGuestMessage(message: unknown): object {
  const {
    time,
    lastUpdate,
    toolRounds: rounds,
    contextSummary,
    ...rest
  } = message as TextMessage & { toolRounds?: ToolRound[]; contextSummary?: PlacedSummary };
  const shown = { ...rest, time: new SafeDate(time), lastUpdate: new SafeDate(lastUpdate) };
  defineHidden(shown, "toString", () => rest.text);
  if (rounds !== undefined) toolRounds.set(shown, rounds);
  if (contextSummary !== undefined) summaries.set(shown, contextSummary);
  return shown;
}

/** What a chat step is given: settings may also stand beside the messages, and win there. */
function splitInput(
  options: Settings,
  input: unknown,
): { options: Settings; input: unknown; functions: SplitTools["functions"] } & Pick<SplitTools, "runnable"> {
  const snapshot = typeof input === "object" && input !== null ? conversationSnapshot(input) : undefined;
  const own = splitTools(options);
  if (snapshot !== undefined || !isPlainObject(input)) {
    const { settings, runnable, functions } = own;
    return { options: settings, input: withReferences(snapshot ?? input), runnable, functions };
  }
  const beside = splitTools(input);
  const { runnable } = input["tools"] === undefined ? own : beside;
  // What stands beside the messages wins, option by option.
  const functions = withFunctionsOf(own, beside, input);
  return { options: own.settings, input: withReferences(beside.settings), runnable, functions };
}

function withFunctionsOf(own: SplitTools, beside: SplitTools, input: Settings): SplitTools["functions"] {
  const functions = ObjectCreate(null) as SplitTools["functions"];
  const names: (readonly [prefix: string, option: string])[] = [
    ["tool ", "tools"],
    ["hook ", "hooks"],
    ["context ", "context"],
  ];
  for (let i = 0; i < names.length; i++) {
    const prefix = names[i]![0];
    const option = names[i]![1];
    const source = input[option] === undefined ? own.functions : beside.functions;
    const keys = ObjectKeys(source);
    for (let k = 0; k < keys.length; k++) {
      if (StringStartsWith(keys[k]!, prefix)) defineField(functions, keys[k]!, source[keys[k]!]);
    }
  }
  return functions;
}

function withoutFunctions(settings: Settings): Settings {
  const keys = ObjectKeys(settings);
  let copied: Settings | undefined;
  for (let i = 0; i < keys.length; i++) {
    if (typeof settings[keys[i]!] !== "function") continue;
    copied ??= { ...settings };
    defineField(copied, keys[i]!, FUNCTION);
  }
  return copied ?? settings;
}

/** What is behind every chat step with these settings. */
export function chatBinding(options: Settings, summary?: PlacedSummary): StepBinding {
  return {
    step: "chat",
    type: "chat",
    inputType: "Conversation",
    outputType: "Message",
    kind: "text",
    toInput: (given) => {
      const { options: settings, input, runnable } = splitInput(options, given);
      return {
        options: withoutFunctions(settings),
        input: isPlainObject(input) ? withoutFunctions(input) : input,
        runnable,
        ...(summary === undefined ? {} : { summary }),
      };
    },
    functionsOf: (given) => splitInput(options, given).functions,
    fromResult: toGuestMessage,
  };
}

function isPlainObject(value: unknown): value is Settings {
  return typeof value === "object" && value !== null && !isArray(value);
}

/** The settings of a step, from nothing, an object, or a list of objects and of functions that may change them. */
export function collectSettings(given: unknown): Settings {
  if (given === undefined || given === null) return {};
  if (!isArray(given)) return copySettings(given, "options", "an object or an array");
  let settings: Settings = {};
  for (let i = 0; i < given.length; i++) {
    const option = given[i];
    const place = `options[${i}]`;
    if (typeof option === "function") changeSettings(settings, option as SettingsFunction, place);
    else settings = { ...settings, ...copySettings(option, place, "an object or a function") };
  }
  return settings;
}

function copySettings(given: unknown, place: string, expected: string): Settings {
  const settings = isPlainObject(given) ? { ...given } : undefined;
  const name = settings && nameOfOpaque(given as object, settings);
  if (settings !== undefined && name === undefined) return settings;
  throw new SafeTypeError(`Cannot create a chat step: ${place} must be ${expected}, not ${name ?? typeof given}`);
}

type SettingsFunction = (settings: Settings) => unknown;

/** Has a function change the settings that it is given; throws the error, or the reason, that it returns. */
function changeSettings(settings: Settings, change: SettingsFunction, place: string): void {
  const refusal = change(settings);
  if (refusal === undefined || refusal === null) return;
  if (refusal instanceof SafeError) throw refusal;
  if (typeof refusal === "string") throw new SafeError(refusal);
  const found = typeof refusal === "object" ? (nameOfOpaque(refusal) ?? "an object") : `a ${typeof refusal}`;
  const what = `${place} must return nothing or an error, it returned ${found}`;
  throw guestError("ValidationError", `Cannot create a chat step: ${what}; change the settings that it is given`);
}

/** The same, where a misspelt one is refused at once, and not by the run. One that is null or undefined counts as absent. */
export function checkedSettings(what: string, given: unknown): Settings {
  const settings = collectSettings(given);
  const present: Settings = {};
  const names = ObjectKeys(settings);
  for (let i = 0; i < names.length; i++) {
    const value = settings[names[i]!];
    if (value !== undefined && value !== null) defineField(present, names[i]!, value);
  }
  checkOptions(what, present, CHAT_OPTIONS);
  return settings;
}
