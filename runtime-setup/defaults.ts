import type { SetupFunction } from "../src/engine/engine.ts";
import { setupChat } from "./chat.ts";
import { setupConversation } from "./conversation.ts";
import { setupDoneCallback } from "./done.ts";
import { setupDoubleStep } from "./double-step.ts";
import { setupEmbeddings, type ProviderSettings } from "./embeddings.ts";

/** Everything that a script on the command line has. */
export function setupDefaults(settings: ProviderSettings = {}): SetupFunction {
  const setups = [
    setupDoneCallback(),
    setupDoubleStep(),
    setupConversation(),
    setupEmbeddings(settings),
    setupChat(settings),
  ];
  return async function defaults(vm, engine) {
    for (const setup of setups) await setup(vm, engine);
  };
}
