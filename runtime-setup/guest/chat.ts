import type { TextMessage } from "../../src/shared/chat-messages.ts";
import { defineHidden, isArray, SafeDate, SafeError, SafeTypeError, promiseThen } from "../../src/shared/primordials.ts";
import { exemptOnAbort, signalOf } from "./calls.ts";
import { conversationSnapshot } from "./conversation.ts";
import { guestError } from "./errors.ts";
import { defineGlobal } from "./kernel.ts";
import { createStepObject, type StepObject } from "./steps.ts";

type Settings = Record<string, unknown>;

/** An assistant message as scripts get it: times are Dates, `String(message)` is its text. */
export function toGuestMessage(message: unknown): object {
  const { time, lastUpdate, ...rest } = message as TextMessage;
  const shown = { ...rest, time: new SafeDate(time), lastUpdate: new SafeDate(lastUpdate) };
  defineHidden(shown, "toString", () => rest.text);
  return shown;
}

function toChatInput(options: Settings, input: unknown): object {
  const snapshot = typeof input === "object" && input !== null ? conversationSnapshot(input) : undefined;
  return { options, input: snapshot ?? input };
}

function newStep(options: Settings): StepObject {
  return createStepObject({
    step: "chat",
    type: "chat",
    inputType: "Conversation",
    outputType: "Message",
    kind: "text",
    toInput: (input) => toChatInput(options, input),
    fromResult: toGuestMessage,
  });
}

function isPlainObject(value: unknown): value is Settings {
  return typeof value === "object" && value !== null && !isArray(value);
}

/** The settings of a step, from nothing, an object, or a list of objects and of functions that may change them. */
function collectSettings(given: unknown): Settings {
  if (given === undefined || given === null) return {};
  if (isPlainObject(given)) return { ...given };
  if (!isArray(given)) throw new SafeTypeError(`Cannot create a chat step: options must be an object or an array, not ${typeof given}`);
  let settings: Settings = {};
  for (let i = 0; i < given.length; i++) {
    const option = given[i];
    if (typeof option === "function") {
      const refusal: unknown = (option as (settings: Settings) => unknown)(settings);
      if (refusal !== null && refusal !== undefined) throw refusal instanceof SafeError ? refusal : new SafeError(String(refusal));
    } else if (isPlainObject(option)) settings = { ...settings, ...option };
    else throw new SafeTypeError(`Cannot create a chat step: options[${i}] must be an object or a function, not ${typeof option}`);
  }
  return settings;
}

class ChatStepFactory {
  newStep(options?: unknown): StepObject {
    return newStep(collectSettings(options));
  }
}

function stepsOf(provider: string): { createStep(options?: unknown): StepObject } {
  return {
    createStep: (options?: unknown) => newStep({ ...collectSettings(options), provider }),
  };
}

/** One call: the text of the answer. */
function chat(prompt: unknown, options?: unknown): Promise<unknown> {
  if (typeof prompt !== "string") throw guestError("ValidationError", `Cannot chat: expected the prompt as a string, not ${typeof prompt}`);
  const { signal: given, ...settings } = collectSettings(options);
  const signal = signalOf({ signal: given });
  const promise = promiseThen(newStep(settings).startAsync(prompt, { signal }), (results) => (results as TextMessage[])[0]!.text);
  if (signal !== undefined) exemptOnAbort(promise, signal);
  return promise;
}

/** `ChatStepFactory`, `openai`, `claude` and `chat`. */
export function installChat(): void {
  defineGlobal("ChatStepFactory", ChatStepFactory);
  defineGlobal("openai", stepsOf("openai"));
  defineGlobal("claude", stepsOf("anthropic"));
  defineGlobal("chat", chat);
}
