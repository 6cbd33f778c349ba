import type { SetupFunction } from "../src/engine/engine.ts";
import { refuseWrong, type FieldsOf } from "../src/shared/wrong-option.ts";
import { CHAT_FIELDS, setupChat, type ChatSettings } from "./chat.ts";
import { setupConversation } from "./conversation.ts";
import { setupDoneCallback } from "./done.ts";
import { setupDoubleStep } from "./double-step.ts";
import { PROVIDER_FIELDS, setupEmbeddings } from "./embeddings.ts";
import { FETCH_FIELDS, setupFetch, type FetchSettings } from "./fetch.ts";
import { type McpSettings, setupMcp } from "./mcp/mcp.ts";
import { type PipelineSettings, setupPipeline } from "./pipeline.ts";
import type { StepCacheSettings } from "./step-cache.ts";
import { CACHE_FIELDS, setupSteps } from "./steps.ts";
import { setupSubScripts } from "./sub-scripts/sub-scripts.ts";

export interface DefaultsSettings extends ChatSettings, PipelineSettings, StepCacheSettings, FetchSettings {
  mcp?: Omit<McpSettings, "wrapMcp">;
  wrapMcp?: McpSettings["wrapMcp"];
}

const FIELDS: FieldsOf<DefaultsSettings> = {
  ...CHAT_FIELDS,
  ...CACHE_FIELDS,
  ...FETCH_FIELDS,
  stages: true,
  mcp: true,
  wrapMcp: true,
};

/** Everything that a script on the command line has. */
export function setupDefaults(settings: DefaultsSettings = {}): SetupFunction {
  refuseWrong("set up what scripts have", settings, FIELDS);
  const { mcp, wrapMcp, stages } = settings;
  const setups = [
    setupDoneCallback(),
    setupDoubleStep(),
    setupSteps(pick(settings, CACHE_FIELDS)),
    setupConversation(),
    setupEmbeddings(pick(settings, PROVIDER_FIELDS)),
    setupChat(pick(settings, CHAT_FIELDS)),
    setupPipeline(stages === undefined ? {} : { stages }),
    setupFetch(pick(settings, FETCH_FIELDS)),
    setupSubScripts(),
    setupMcp({ ...mcp, ...(wrapMcp === undefined ? {} : { wrapMcp }) }),
  ];
  return async function defaults(vm, engine) {
    for (const setup of setups) await setup(vm, engine);
  };
}

/** Of these settings those that one setup function takes. */
function pick<K extends keyof DefaultsSettings>(
  settings: DefaultsSettings,
  fields: Readonly<Record<K, unknown>>,
): Pick<DefaultsSettings, K> {
  const taken = Object.entries(settings).filter(([name]) => Object.hasOwn(fields, name));
  return Object.fromEntries(taken) as Pick<DefaultsSettings, K>;
}
