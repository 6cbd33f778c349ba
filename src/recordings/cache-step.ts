import { stderrLogger, type Logger } from "../base/logger.ts";
import { defineStep, type DefinedStep } from "../steps/define-step.ts";
import type { StepContext, StepSource } from "../steps/step.ts";
import { inputCacheKey, type CacheKey } from "./cache-key.ts";
import type { CachedPart, CachedState, CacheEntry, CacheStore } from "./cache-store.ts";

export interface CacheStepOptions {
  store: CacheStore;
  /** Default {@link inputCacheKey}. For a chat step, use `chatCacheKey(settings)`. */
  key?: CacheKey;
  /** Runs that publish and give more than this many parts are not kept; default 100,000. */
  maxParts?: number;
  logger?: Logger;
}

const OWN_FACTS: ReadonlySet<string> = new Set([
  "stepId",
  "type",
  "inputType",
  "outputType",
  "startedAt",
  "durationMs",
  "eventCount",
]);

/**
 * A step that runs another once for each key: when the key comes again it publishes the events that the first run
 * published, in the same order with the results between them, under its own run id and times, with `cached: true` in the
 * metadata. Runs with one key that begin before the first of them has ended all run. Runs that fail, are cancelled, or call functions of the guest (which are no part of a key) are not kept.
 *
 * @example
 * const cached = cacheStep(createChatStep({ settings, env }), { store: new DiskCacheStore(folder), key: chatCacheKey(settings, env) });
 */
export function cacheStep<I, O>(source: StepSource<I, O>, options: CacheStepOptions): DefinedStep<I, O> {
  const { type, inputType, outputType, kind } = source.info;
  const { store, key: keyOf = inputCacheKey(type), logger = stderrLogger } = options;
  return defineStep<I, O>({
    name: type,
    inputType,
    outputType,
    kind,
    async *run(input, context) {
      const key = await keyFor(keyOf, input, logger);
      const entry = key === undefined ? undefined : await store.get(key);
      if (entry !== undefined) yield* replay<O>(entry, context);
      else yield* record(source, input, context, key, options);
    },
  });
}

/** An input without a key is run, not kept: what is wrong with it is for the step to say. */
async function keyFor(keyOf: CacheKey, input: unknown, logger: Logger): Promise<string | undefined> {
  try {
    return await keyOf(input);
  } catch (error) {
    logger.warn(`Running without the cache: ${(error as Error).message}`);
    return undefined;
  }
}

async function* replay<O>({ trace, end }: CacheEntry, context: StepContext): AsyncGenerator<O> {
  const restore = ({ meta, facts }: CachedState): void => {
    Object.assign(context.meta, meta);
    Object.assign(context.metadata, facts);
  };
  context.metadata["cached"] = true;
  for (const part of trace) {
    restore(part);
    if ("emission" in part) await context.publish(part.emission);
    else yield part.result as O;
  }
  restore(end);
}

async function* record<I, O>(
  source: StepSource<I, O>,
  input: I,
  context: StepContext,
  key: string | undefined,
  { store, maxParts = 100_000, logger = stderrLogger }: CacheStepOptions,
): AsyncGenerator<O> {
  const trace: CachedPart[] = [];
  const changed = createStateWatch(context);
  let calledGuest = false;
  const watched: StepContext = {
    ...context,
    publish: async (emission) => {
      if (trace.length <= maxParts) trace.push({ ...changed(), emission });
      await context.publish(emission);
    },
    callGuest: (name, args) => {
      calledGuest = true;
      return context.callGuest(name, args);
    },
  };
  for await (const result of source.run(input, watched)) {
    if (trace.length <= maxParts) trace.push({ ...changed(), result });
    yield result;
  }
  if (key === undefined || calledGuest || trace.length > maxParts || context.signal.aborted) return;
  await keep(store, key, { type: source.info.type, trace, end: changed() }, logger);
}

/** Tells what has changed since it was last asked. */
function createStateWatch({ meta, metadata }: StepContext): () => CachedState {
  let before = { meta: "", facts: "{}" };
  return () => {
    const facts = Object.fromEntries(Object.entries(metadata).filter(([name]) => !OWN_FACTS.has(name)));
    const now = { meta: JSON.stringify(meta), facts: JSON.stringify(facts) };
    const state: CachedState = {
      ...(now.meta === before.meta ? {} : { meta: { ...meta } }),
      ...(now.facts === before.facts ? {} : { facts: structuredClone(facts) }),
    };
    before = now;
    return state;
  };
}

async function keep(store: CacheStore, key: string, entry: CacheEntry, logger: Logger): Promise<void> {
  try {
    await store.set(key, entry);
  } catch (error) {
    logger.warn(`Cannot keep a run of step "${entry.type}": ${(error as Error).message}`);
  }
}
