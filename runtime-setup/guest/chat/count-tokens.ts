import { isArray, SafeString } from "../../../src/shared/primordials.ts";
import {
  jsonParts,
  messageParts,
  textTokens,
  tokenFactor,
  type CountedParts,
} from "../../../src/shared/token-estimate.ts";
import { Conversation } from "../conversation/conversation.ts";
import { checkOptions } from "../core/calls.ts";
import { guestError } from "../core/errors.ts";

type Fields = Record<string, unknown>;

/** About how many tokens a model needs for a text or for messages; see the types for what is counted how. */
export function countTokens(given: unknown, options?: unknown): number {
  checkOptions("count tokens", options, ["model"]);
  const { model } = typeof options === "object" && options !== null ? (options as { model?: unknown }) : {};
  if (model !== undefined && model !== null && typeof model !== "string") {
    throw guestError("ValidationError", `Cannot count tokens: model must be a string, not ${typeof model}`);
  }
  const counted = countGiven(given) * tokenFactor(model ?? undefined);
  return counted - (counted % 1) + (counted % 1 > 0 ? 1 : 0);
}

function countGiven(given: unknown): number {
  if (typeof given === "string") return textTokens(given);
  if (typeof given !== "object" || given === null) {
    const found = given === null ? "null" : typeof given;
    throw guestError("ValidationError", `Cannot count tokens: expected a text or messages, not ${found}`);
  }
  if (isArray(given)) return countAll(given);
  const { type, messages, system, tools, responseFormat } = given as Fields;
  if (given instanceof Conversation) return countAll(given.getMessages());
  if (type === "conversation") return countAll(Conversation.from(given).getMessages());
  if (!isArray(messages)) return countParts(messageParts(given));
  const beside = typeof system === "string" ? textTokens(system) : 0;
  return countAll(messages) + beside + countParts(jsonParts(tools)) + countParts(jsonParts(responseFormat));
}

function countAll(messages: readonly unknown[]): number {
  let tokens = 0;
  for (let i = 0; i < messages.length; i++) {
    const message = messages[i];
    if (typeof message !== "string" && (typeof message !== "object" || message === null)) {
      throw guestError(
        "ValidationError",
        `Cannot count tokens: messages[${i}] is ${SafeString(message)}, not a text or a message`,
      );
    }
    tokens += countParts(messageParts(message));
  }
  return tokens;
}

function countParts({ texts, tokens }: CountedParts): number {
  let sum = tokens;
  for (let i = 0; i < texts.length; i++) sum += textTokens(texts[i]!);
  return sum;
}
