import { askOutside } from "../src/base/calls/outside.ts";
import type { Logger } from "../src/base/logger.ts";
import { parseFields } from "../src/engine/guest-messages.ts";
import { GuestStep } from "../src/engine/run/guest-step.ts";
import type { Intercepted } from "../src/engine/run/run-manager.ts";
import { cacheStep, type CacheStore, MemoryCacheStore, RecordingRoom } from "../src/recordings/index.ts";
import { hashParts } from "../src/recordings/cache/hash-parts.ts";
import { canonicalJson } from "../src/recordings/tagged-json.ts";
import type { Unchecked } from "../src/shared/contract/op.ts";
import type { CacheRequest } from "../src/shared/contract/runs.ts";
import { decodeValue } from "../src/shared/decode.ts";
import { GeppettoError } from "../src/shared/errors.ts";
import { MAX_ERROR_CHARS } from "../src/shared/frames.ts";
import type { StepSource } from "../src/steps/step.ts";

export interface StepCacheSettings {
  /**
   * Where `steps.withCache` keeps runs of the host's steps (models, embeddings, bindings); default memory of the
   * engine's own, which is forgotten with each script. All who are given one store share what is in it, and scripts
   * choose keys: never give one to scripts of people who do not trust each other. Runs of steps that scripts make are
   * kept in the engine's memory alone.
   */
  cache?: CacheStore;
  /** Hears, once each, why runs are not kept. Default: nobody. */
  onNotice?: (text: string) => void;
}

/** What one engine may keep for a script. */
const MAX_BYTES = 16_000_000;
/** What it may hold of runs under way. */
const MAX_RESERVED_BYTES = 32_000_000;
const MAX_ENTRIES = 1_000;
const MAX_PARTS = 10_000;
/** Longest input of a script's step, in characters as it crosses; to bring longer ones into one form takes too long. */
const MAX_INPUT = 4_000_000;
/** Notices that one script may cause. */
const MAX_NOTICES = 20;

/** The runs that the scripts of one engine keep with `steps.withCache`. */
export class StepCache {
  readonly #store: CacheStore | undefined;
  readonly #onNotice: (text: string) => void;
  readonly #room = new RecordingRoom(MAX_RESERVED_BYTES);
  readonly #said = new Set<string>();
  #memory = createMemory();

  constructor({ cache, onNotice = () => {} }: StepCacheSettings) {
    this.#store = cache && outsideStore(cache);
    this.#onNotice = onNotice;
  }

  /** Forgets what a script has left. Runs of it that are still ending keep what they keep elsewhere. */
  forget(): void {
    this.#memory = createMemory();
    this.#said.clear();
  }

  /** The step for one run, which is the kept one where there is one. */
  intercept(source: StepSource, { step, args }: Intercepted<CacheRequest>): StepSource {
    const request = parseRequest(args);
    const isOfScript = source instanceof GuestStep;
    const cached = cacheStep(source, {
      store: isOfScript ? this.#memory : (this.#store ?? this.#memory),
      key: (input) => (isOfScript ? keyOfScript(request) : keyOfHost(source, { step, key: request.key, input })),
      maxParts: MAX_PARTS,
      room: this.#room,
      refuse: ({ calledGuest }) => {
        if (isOfScript) return source.loss && `a copy of a result is not as good: ${source.loss}`;
        if (!calledGuest || request.key !== undefined) return undefined;
        return "it called functions of the script, which only a key can stand for";
      },
      logger: this.#logger,
    });
    return {
      info: source.info,
      run: (input, context) => cached.run(input, context),
      ...(source.metaFor ? { metaFor: (input) => source.metaFor!(input) } : {}),
      ...(source.onEvent ? { onEvent: (event) => source.onEvent!(event) } : {}),
    };
  }

  readonly #logger: Logger = {
    warn: (text) => {
      if (this.#said.has(text) || this.#said.size >= MAX_NOTICES) return;
      this.#said.add(text);
      this.#onNotice(text);
    },
    error: (text) => this.#logger.warn(text),
  };
}

/** What is in a store of the host's may change while an execution is suspended. */
function outsideStore(store: CacheStore): CacheStore {
  return {
    get: (key) => askOutside({ name: "the cache", effect: "none" }, () => store.get(key)),
    set: (key, entry) => askOutside({ name: "the cache", effect: "none" }, () => store.set(key, entry)),
  };
}

function createMemory(): MemoryCacheStore {
  return new MemoryCacheStore({ maxEntries: MAX_ENTRIES, maxBytes: MAX_BYTES });
}

function parseRequest(args: Unchecked<CacheRequest>): CacheRequest {
  const fields = Object.entries(parseFields(args)).filter(([, value]) => typeof value === "string");
  return Object.fromEntries(fields);
}

/** A step of a script's is known by who it is and, beside that, its input. */
function keyOfScript({ key, identity = "", input = "", refused }: CacheRequest): string {
  if (key !== undefined) return hashParts(["script key", identity, key]);
  if (refused !== undefined) throw new GeppettoError("ValidationError", refused.slice(0, MAX_ERROR_CHARS));
  if (input.length > MAX_INPUT) {
    const message = `Cannot compare an input of ${input.length} characters: the maximum is ${MAX_INPUT}; give withCache a key`;
    throw new GeppettoError("LimitError", message, { code: "ERR_LIMIT_MESSAGE" });
  }
  return hashParts(["script input", identity, canonicalJson(decodeValue(input))]);
}

/** A step of the host's may know what its results depend on. What is wrong with its input is for it to say. */
async function keyOfHost(
  source: StepSource,
  { step, key, input }: { step: string; key: string | undefined; input: unknown },
): Promise<string | undefined> {
  if (source.cacheKey !== undefined) return source.cacheKey(input, key).catch(() => undefined);
  return key === undefined ? hashParts(["host input", step, canonicalJson(input)]) : hashParts(["host key", step, key]);
}
