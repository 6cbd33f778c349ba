import { optional } from "../../base/calls/call-back.ts";
import { toLogger, type Logger } from "../../base/logger.ts";
import { Semaphore } from "../../base/semaphore.ts";
import { estimateBytes } from "../../base/estimate-bytes.ts";
import { defineStep, type DefinedStep } from "../../steps/define-step.ts";
import type { StepContext, StepEmission, StepSource } from "../../steps/step.ts";
import { inputCacheKey, type CacheKey } from "./cache-key.ts";
import type { CachedPart, CachedState, CacheEntry, CacheStore } from "./cache-store.ts";
import { refuseWrong, type FieldsOf } from "../../shared/wrong-option.ts";

export interface CacheStepOptions {
  store: CacheStore;
  /** Default {@link inputCacheKey}. For a chat step, use `chatCacheKey(settings)`. */
  key?: CacheKey;
  /** Runs that publish and give more than this many parts are not kept; default 100,000. */
  maxParts?: number;
  /** Bounds what all runs under way hold that are remembered or played back; default no bound. */
  room?: RecordingRoom;
  /**
   * Why a run that has succeeded is not to be kept; "" says so to nobody, undefined keeps it. Default: "" for one that has
   * called functions of the guest, which are not part of a key.
   */
  refuse?: (run: { calledGuest: boolean }) => string | undefined;
  logger?: Logger;
}

const FIELDS: FieldsOf<CacheStepOptions> = {
  store: true,
  key: true,
  maxParts: "amountOrNone",
  room: true,
  refuse: true,
  logger: true,
};

/**
 * Bytes that runs under way may reserve, all together, for what they record and what they play back. A run for which
 * there is no room is neither recorded nor played back.
 */
export class RecordingRoom {
  /** An entry is read before its size is known: by one run at a time. */
  readonly lookups: Semaphore = new Semaphore(1);
  #free: number;

  constructor(bytes: number) {
    this.#free = bytes;
  }

  get free(): number {
    return this.#free;
  }

  /** False when fewer bytes are free. */
  reserve(bytes: number): boolean {
    if (bytes > this.#free) return false;
    this.#free -= bytes;
    return true;
  }

  release(bytes: number): void {
    this.#free += bytes;
  }
}

const RUN_METADATA: ReadonlySet<string> = new Set([
  "stepId",
  "type",
  "inputType",
  "outputType",
  "startedAt",
  "durationMs",
  "eventCount",
  "cached",
]);

/** What a part costs besides what is in it. */
const PART_BYTES = 200;

/**
 * A step that runs another once for each key: when the key comes again it publishes the events that the first run
 * published, in the same order with the results between them, under its own run id and times, with `cached: true` in the
 * metadata. Runs with one key that begin before the first of them has ended all run, and so does one for which there is
 * no room to play it back. Runs that fail, are cancelled, or call functions of the guest are not kept.
 *
 * @example
 * const cached = cacheStep(createChatStep({ settings, env }), { store: new DiskCacheStore(folder), key: chatCacheKey(settings, env) });
 */
export function cacheStep<I, O>(source: StepSource<I, O>, options: CacheStepOptions): DefinedStep<I, O> {
  refuseWrong("keep results", options, FIELDS);
  const { type, inputType, outputType, kind } = source.info;
  const { key: keyOf = inputCacheKey(type), logger } = options;
  return defineStep<I, O>({
    name: type,
    inputType,
    outputType,
    kind,
    async *run(input, context) {
      const key = await keyFor(keyOf, input, type, toLogger(logger));
      if (key === undefined) {
        yield* source.run(input, context);
        return;
      }
      const found = await find(key, context.signal, type, options);
      try {
        if (found === undefined) yield* record(source, input, context, key, options);
        else yield* replay<O>(found.entry, context);
      } finally {
        options.room?.release(found?.bytes ?? 0);
      }
    },
  });
}

/** An input without a key is run, not kept: what is wrong with it is for the step to say. */
async function keyFor(keyOf: CacheKey, input: unknown, type: string, logger: Logger): Promise<string | undefined> {
  try {
    return await keyOf(input);
  } catch (error) {
    logger.warn(`Running step "${type}" without the cache: ${(error as Error).message}`);
    return undefined;
  }
}

/** The run that is kept, and the bytes reserved for it; undefined where none is kept, or there is no room for it. */
async function find(
  key: string,
  signal: AbortSignal,
  type: string,
  { store, room, logger }: CacheStepOptions,
): Promise<{ entry: CacheEntry; bytes: number } | undefined> {
  const leave = await room?.lookups.acquire(signal);
  try {
    const entry = await store.get(key);
    if (entry === undefined) return undefined;
    const bytes = room === undefined ? 0 : estimateBytes(entry, room.free);
    return (room?.reserve(bytes) ?? true) ? { entry, bytes } : undefined;
  } catch (error) {
    // A store that fails is one without the entry.
    toLogger(logger).warn(`Cannot find a run of step "${type}": ${(error as Error).message}`);
    return undefined;
  } finally {
    leave?.();
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
  key: string,
  { store, maxParts = 100_000, room, refuse = refuseCalls, logger }: CacheStepOptions,
): AsyncGenerator<O> {
  const trace = new Trace(context, maxParts, room);
  let calledGuest = false;
  const publish: StepContext["publish"] = async (emission) => {
    trace.add({ emission });
    await context.publish(emission);
  };
  const watched: StepContext = {
    ...context,
    publish: (emission) => optional(publish(emission)),
    callGuest: (name, args) => {
      calledGuest = true;
      return context.callGuest(name, args);
    },
  };
  try {
    for await (const result of source.run(input, watched)) {
      trace.add({ result });
      yield result;
    }
    const { type } = source.info;
    const why = refuse({ calledGuest });
    if (why) toLogger(logger).warn(`Not keeping a run of step "${type}": ${why}`);
    if (why !== undefined || !trace.isWhole || context.signal.aborted) return;
    await keep(store, key, { type, ...trace.entry() }, toLogger(logger));
  } finally {
    trace.drop();
  }
}

function refuseCalls({ calledGuest }: { calledGuest: boolean }): string | undefined {
  return calledGuest ? "" : undefined;
}

/** What a run under way has published and given so far, unless that is too much. */
class Trace {
  readonly #context: StepContext;
  readonly #maxParts: number;
  readonly #room: RecordingRoom | undefined;
  #parts: CachedPart[] = [];
  #reserved = 0;
  #before = { meta: "", facts: "{}" };
  isWhole = true;

  constructor(context: StepContext, maxParts: number, room: RecordingRoom | undefined) {
    this.#context = context;
    this.#maxParts = maxParts;
    this.#room = room;
  }

  add(part: { emission: StepEmission } | { result: unknown }): void {
    if (!this.isWhole) return;
    const bytes = PART_BYTES + (this.#room === undefined ? 0 : estimateBytes(part, this.#room.free));
    this.isWhole = this.#parts.length < this.#maxParts && (this.#room?.reserve(bytes) ?? true);
    if (!this.isWhole) return this.drop();
    this.#reserved += bytes;
    this.#parts.push({ ...this.#changed(), ...part });
  }

  entry(): Pick<CacheEntry, "trace" | "end"> {
    return { trace: this.#parts, end: this.#changed() };
  }

  drop(): void {
    this.#parts = [];
    this.#room?.release(this.#reserved);
    this.#reserved = 0;
  }

  /** What has changed since it was last asked. */
  #changed(): CachedState {
    const { metadata, runId } = this.#context;
    const { messageId, ...meta } = this.#context.meta;
    const said = messageId === runId ? meta : { messageId, ...meta };
    const facts = Object.fromEntries(Object.entries(metadata).filter(([name]) => !RUN_METADATA.has(name)));
    const now = { meta: JSON.stringify(said), facts: JSON.stringify(facts) };
    const state: CachedState = {
      ...(now.meta === this.#before.meta ? {} : { meta: said }),
      ...(now.facts === this.#before.facts ? {} : { facts: structuredClone(facts) }),
    };
    this.#before = now;
    return state;
  }
}

async function keep(store: CacheStore, key: string, entry: CacheEntry, logger: Logger): Promise<void> {
  try {
    await store.set(key, entry);
  } catch (error) {
    logger.warn(`Cannot keep a run of step "${entry.type}": ${(error as Error).message}`);
  }
}
