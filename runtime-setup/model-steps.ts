import { createEmbeddingProvider } from "../src/providers/create-embedding-provider.ts";
import type { EmbeddingProvider } from "../src/providers/embedding-provider.ts";
import { type ChatModelSettings, checkModelSettings, type ModelSettings } from "../src/providers/settings.ts";
import { refuseWrong } from "../src/shared/wrong-option.ts";
import type { AnswerMessage } from "../src/steps/chat-message.ts";
import { createChatStep as createChatSource } from "../src/steps/chat-step.ts";
import { type DefinedStep, defineStep } from "../src/steps/define-step.ts";
import { CHAT_FIELDS, type ChatSettings } from "./chat.ts";
import { PROVIDER_FIELDS, type ProviderSettings } from "./embeddings.ts";

/** What a chat step takes: a prompt, the snapshot of a conversation, or messages with options. */
export type ChatStepInput = string | object;

/** A step of the host's that embeds texts. `close` ends what its provider holds open. */
export interface EmbeddingsStep extends DefinedStep<string | readonly string[], Float32Array>, AsyncDisposable {
  close(): Promise<void>;
}

/**
 * The step that asks a chat model: one assistant message out, its text as pieces. `settings` are those of `setupChat`, or
 * of one model. Made at once: keys are looked up when a run starts, and what is wrong is an error of the run.
 *
 * @example
 * const step = createChatStep({ provider: "openai", model: "gpt-5-mini" });
 * const [result] = await step.start({}, "The capital of France?").return();
 */
export function createChatStep(
  settings: ChatSettings | ChatModelSettings = {},
): DefinedStep<ChatStepInput, AnswerMessage> {
  const given: ChatSettings = "provider" in settings ? { chat: settings } : settings;
  refuseWrong("make a chat step", given, CHAT_FIELDS);
  if (given.chat !== undefined) checkModelSettings(given.chat);
  const { chat = { provider: "embedded" }, env = process.env, onNotice, ...rest } = given;
  const source = createChatSource({ ...rest, settings: chat, env, ...(onNotice ? { warn: onNotice } : {}) });
  const step = defineStep<ChatStepInput, AnswerMessage>({
    name: source.info.type,
    inputType: source.info.inputType,
    outputType: source.info.outputType,
    kind: "text",
    run: (input, context) => source.run({ input }, context),
  });
  step.metaFor = (input) => source.metaFor?.({ input }) ?? {};
  return step;
}

/**
 * The step that embeds: a text gives one vector, an array of texts one for each. `settings` are those of
 * `setupEmbeddings`, or of one model. Made at once, likewise.
 *
 * @example
 * await using step = createEmbeddingsStep();
 * const [result] = await step.start({}, "a cat").return();
 */
export function createEmbeddingsStep(settings: ProviderSettings | ModelSettings = {}): EmbeddingsStep {
  const given: ProviderSettings = "provider" in settings ? { embeddings: settings } : settings;
  refuseWrong("make an embeddings step", given, PROVIDER_FIELDS);
  if (given.embeddings !== undefined) checkModelSettings(given.embeddings);
  const { embeddings: model = { provider: "embedded" }, env = process.env, budget, onNotice, wrapEmbeddings } = given;
  let provider: EmbeddingProvider | undefined;
  const open = (): EmbeddingProvider =>
    (provider ??= createEmbeddingProvider(model, {
      env,
      ...(onNotice ? { warn: onNotice } : {}),
      ...(budget ? { budget } : {}),
      ...(wrapEmbeddings ? { wrapEmbeddings } : {}),
    }));
  const close = async (): Promise<void> => {
    await provider?.close();
    provider = undefined;
  };
  const step = defineStep<string | readonly string[], Float32Array>({
    name: "embedding",
    inputType: "string",
    outputType: "Float32Array",
    async *run(input, { signal, meta }) {
      const opened = open();
      meta.engine = opened.model().name;
      const texts = typeof input === "string" ? [input] : [...input];
      if (texts.length > 0) yield* await opened.embed(texts, { signal });
    },
  });
  return Object.assign(step, { close, [Symbol.asyncDispose]: close });
}
