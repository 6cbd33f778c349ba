import type { SetupFunction } from "../src/engine/engine-options.ts";
import { setupChat, type ChatSettings } from "./chat.ts";
import { setupConversation } from "./conversation.ts";
import { setupDoneCallback } from "./done.ts";
import { setupDoubleStep } from "./double-step.ts";
import { setupEmbeddings } from "./embeddings.ts";
import { setupSteps } from "./steps.ts";

/** Everything that a script on the command line has. */
export function setupDefaults(settings: ChatSettings = {}): SetupFunction {
  const setups = [
    setupDoneCallback(),
    setupDoubleStep(),
    setupSteps(),
    setupConversation(),
    setupEmbeddings(settings),
    setupChat(settings),
  ];
  return async function defaults(vm, engine) {
    for (const setup of setups) await setup(vm, engine);
  };
}
