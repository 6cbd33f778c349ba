import type { SetupFunction } from "../src/engine/engine.ts";
import { requireBudget, type Budget } from "../src/providers/cost/budget.ts";
import { BudgetedChat } from "../src/providers/cost/budgeted-chat.ts";
import type { ChatProvider } from "../src/providers/chat-provider.ts";
import { DEMO_NOTICE } from "../src/providers/embedded/demo-chat.ts";
import { joinBudgets } from "../src/providers/cost/joint-budget.ts";
import {
  checkModelSettings,
  hasOwnProvider,
  type ModelSettings,
  resolveProviderSettings,
} from "../src/providers/settings.ts";
import { chatCacheKey } from "../src/recordings/index.ts";
import { hashParts } from "../src/recordings/cache/hash-parts.ts";
import { createChatStep } from "../src/steps/chat-step.ts";
import { checkGuards, type ToolHooks } from "../src/steps/chat-hooks.ts";
import type { ApproveCall } from "../src/steps/chat-tools.ts";
import { refuseWrong, type FieldsOf } from "../src/shared/wrong-option.ts";
import { PROVIDER_FIELDS, type ProviderSettings } from "./embeddings.ts";
import { imageStoreOf } from "./images.ts";
import { hostToolsOf } from "./tools.ts";

export interface ChatSettings extends ProviderSettings {
  /** What all calls to models together may cost; default any amount. */
  budget?: Budget;
  /** Answers in place of what `chat` names, for example a scripted model in a test. */
  chatProvider?: ChatProvider;
  /** Put around every chat provider that is made here, those that scripts name too; not around `chatProvider`. */
  wrap?: (provider: ChatProvider) => ChatProvider;
  /** Asked before each tool call, of scripts' tools and the host's alike, one at a time; default: all are made. */
  onApprove?: ApproveCall;
  /** Asked before and after each tool call, of scripts' tools and the host's alike; approval is asked for what they give. */
  hooks?: ToolHooks;
  /** Longest time of one tool call where neither tool nor script says anything; default 60,000. */
  toolTimeoutMs?: number;
}

export const CHAT_FIELDS: FieldsOf<ChatSettings> = {
  ...PROVIDER_FIELDS,
  chatProvider: true,
  wrap: true,
  onApprove: true,
  hooks: true,
  toolTimeoutMs: "amount",
};

/** A provider of the host's own, with what it is asked for counted where the engine's calls are. */
function boundedBy(
  budget: Budget | undefined,
  provider: ChatProvider | undefined,
  { model = "", prices }: Pick<ModelSettings, "model" | "prices">,
): ChatProvider | undefined {
  return budget === undefined || provider === undefined
    ? provider
    : new BudgetedChat(provider, budget, { model, prices });
}

/** `ChatStepFactory`, `openai`, `claude`, `chat` and `ChatSession`. */
export function setupChat(settings: ChatSettings = {}): SetupFunction {
  refuseWrong("set up chat", settings, CHAT_FIELDS);
  requireBudget("set up chat", settings.budget);
  checkGuards("set up chat", settings);
  if (settings.chat !== undefined) checkModelSettings(settings.chat);
  return function chat(vm, engine) {
    const {
      chat: model = { provider: "embedded" },
      env = process.env,
      onNotice,
      onApprove,
      hooks,
      toolTimeoutMs,
      wrap,
    } = settings;
    const budget = joinBudgets(settings.budget, engine.budget);
    const chatProvider = boundedBy(engine.budget, settings.chatProvider, model);
    // An unknown provider is an error of the set-up, whether or not a script ever asks it.
    if (chatProvider === undefined && !hasOwnProvider(model)) resolveProviderSettings(model as ModelSettings, env);
    let noticed = false;
    const resolveImage = (url: string): string => imageStoreOf(engine).resolve(url);
    const step = createChatStep({
      settings: model,
      env,
      hostTools: hostToolsOf(engine),
      resolveImage,
      ...(onNotice ? { warn: onNotice } : {}),
      ...(onApprove ? { onApprove } : {}),
      personWaits: engine.personWaits,
      ...(hooks ? { hooks } : {}),
      ...(budget ? { budget } : {}),
      ...(chatProvider ? { chatProvider } : {}),
      ...(wrap ? { wrap } : {}),
      ...(toolTimeoutMs === undefined ? {} : { toolTimeoutMs }),
      onCall: ({ name }) => {
        if (name !== "embedded" || noticed) return;
        noticed = true;
        onNotice?.(DEMO_NOTICE);
      },
    });
    // Who answers is part of what results depend on.
    const keyOf = chatCacheKey(model, env, { resolveImage });
    const cacheKey = async (input: unknown, key?: string): Promise<string> =>
      hashParts([chatProvider?.name ?? "", await keyOf(input, key)]);
    vm.host.registerStep("chat", { ...step, cacheKey });
    vm.host.later(vm.install("chat"));
  };
}
