import type { TextMessage } from "../../../src/shared/chat-messages.ts";
import { mapUnder, signalOf } from "../core/calls.ts";
import { chatBinding, checkedSettings, collectSettings } from "./chat-binding.ts";
import { ChatSession } from "./chat-session.ts";
import { countTokens } from "./count-tokens.ts";
import { guestError } from "../core/errors.ts";
import { defineGlobal } from "../core/kernel.ts";
import { createStepObject, type StepObject } from "../steps/steps.ts";

const CREATE = "create a chat step";

/** The step that asks a chat model. */
function newChatStep(options: Record<string, unknown>): StepObject {
  return createStepObject(chatBinding(options));
}

class ChatStepFactory {
  newStep(options?: unknown): StepObject {
    return newChatStep(checkedSettings(CREATE, options));
  }
}

function stepsOf(provider: string): { createStep(options?: unknown): StepObject } {
  return {
    createStep: (options?: unknown) => newChatStep({ ...checkedSettings(CREATE, options), provider }),
  };
}

/** One call: the text of the answer. */
function chat(prompt: unknown, options?: unknown): Promise<unknown> {
  if (typeof prompt !== "string")
    throw guestError("ValidationError", `Cannot chat: expected the prompt as a string, not ${typeof prompt}`);
  // One in the place of the options is refused as everywhere.
  signalOf(options);
  const { signal: given, ...settings } = collectSettings(options);
  const signal = signalOf({ signal: given });
  const results = newChatStep(settings).startAsync(prompt, { signal });
  return mapUnder(results, signal, (messages) => (messages as TextMessage[])[0]!.text);
}

/** `ChatStepFactory`, `openai`, `claude`, `chat`, `ChatSession` and `countTokens`. */
export function installChat(): void {
  defineGlobal("ChatStepFactory", ChatStepFactory);
  defineGlobal("openai", stepsOf("openai"));
  defineGlobal("claude", stepsOf("anthropic"));
  defineGlobal("chat", chat);
  defineGlobal("ChatSession", ChatSession);
  defineGlobal("countTokens", countTokens);
}
