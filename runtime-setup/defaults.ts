import type { SetupFunction } from "../src/engine/engine.ts";
import { setupChat, type ChatSettings } from "./chat.ts";
import { setupConversation } from "./conversation.ts";
import { setupDoneCallback } from "./done.ts";
import { setupDoubleStep } from "./double-step.ts";
import { setupEmbeddings } from "./embeddings.ts";
import { type PipelineSettings, setupPipeline } from "./pipeline.ts";
import type { StepCacheSettings } from "./step-cache.ts";
import { setupSteps } from "./steps.ts";

export interface DefaultsSettings extends ChatSettings, PipelineSettings, StepCacheSettings {}

/** Everything that a script on the command line has. */
export function setupDefaults(settings: DefaultsSettings = {}): SetupFunction {
  const setups = [
    setupDoneCallback(),
    setupDoubleStep(),
    setupSteps(settings),
    setupConversation(),
    setupEmbeddings(settings),
    setupChat(settings),
    setupPipeline(settings),
  ];
  return async function defaults(vm, engine) {
    for (const setup of setups) await setup(vm, engine);
  };
}
