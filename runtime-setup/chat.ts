import type { SetupFunction } from "../src/engine/engine.ts";
import { DEMO_NOTICE } from "../src/providers/index.ts";
import { createChatStep } from "../src/steps/chat-step.ts";
import type { ProviderSettings } from "./embeddings.ts";

/** `ChatStepFactory`, `openai`, `claude` and `chat`. */
export function setupChat(settings: ProviderSettings = {}): SetupFunction {
  return async function chat(vm) {
    const { chat: model = { provider: "embedded" }, env = process.env, onNotice } = settings;
    let noticed = false;
    const step = createChatStep({
      settings: model,
      env,
      ...(onNotice ? { warn: onNotice } : {}),
      onCall: ({ name }) => {
        if (name !== "embedded" || noticed) return;
        noticed = true;
        onNotice?.(DEMO_NOTICE);
      },
    });
    vm.host.registerStep("chat", step);
    await vm.install("chat");
  };
}
