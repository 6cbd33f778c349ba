import { optional } from "../../base/calls/call-back.ts";
import { createDeferred, type Deferred } from "../../base/deferred.ts";
import { currentOutside, valuesFromOutside, type AskedOutside } from "../../base/calls/outside.ts";
import type { EventMeta, RunMetadata } from "../../shared/step-events.ts";
import type { StepContext, StepEmission, StepSource } from "../../steps/step.ts";

/** What a step of the host app's does, one after the other, with what it has noted before that. */
type StepPart = ({ yields: unknown } | { publishes: StepEmission } | { calls: { name: string; args: unknown } }) & {
  meta?: EventMeta;
  metadata?: RunMetadata;
};

interface Waiter extends Deferred<unknown> {
  part: StepPart;
}

/**
 * A step of the host app's as an execution that lasts needs it: what it does is kept, and done again from what was kept. It
 * runs again only where nobody has seen what it had done, and its effect allows it.
 */
export function keptStep(source: StepSource, asked: Pick<AskedOutside, "name" | "effect">): StepSource {
  return {
    ...source,
    // Elsewhere nothing stands between a step and its run.
    run: (input, context) =>
      currentOutside() === undefined ? source.run(input, context) : runKept(source, asked, input, context),
  };
}

async function* runKept(
  source: StepSource,
  asked: Pick<AskedOutside, "name" | "effect">,
  input: unknown,
  context: StepContext,
): AsyncGenerator {
  const work = new StepWork(source, input, context);
  const toItem = (value: unknown): StepPart => ({ yields: value });
  const { signal } = context;
  for await (const part of valuesFromOutside({ ...asked, args: [input], signal, toItem }, () => work.parts())) {
    if (part.meta !== undefined) Object.assign(context.meta, part.meta);
    if (part.metadata !== undefined) Object.assign(context.metadata, part.metadata);
    if ("yields" in part) yield part.yields;
    else void work.settle(part, perform(part, context));
  }
}

async function perform(part: Exclude<StepPart, { yields: unknown }>, context: StepContext): Promise<unknown> {
  if ("publishes" in part) return context.publish(part.publishes);
  return context.callGuest(part.calls.name, part.calls.args);
}

/** A step that runs, and what it asks of its run on the way. */
class StepWork {
  readonly #source: StepSource;
  readonly #input: unknown;
  readonly #context: StepContext;
  readonly #asked: Waiter[] = [];
  readonly #taken = new Map<StepPart, Waiter>();
  #more: Deferred<void> = createDeferred();
  #noted = "";

  constructor(source: StepSource, input: unknown, context: StepContext) {
    this.#source = source;
    this.#input = input;
    this.#context = context;
  }

  /** What came of a part; nobody waits for that of a part that was kept. */
  async settle(part: StepPart, work: Promise<unknown>): Promise<void> {
    const waiter = this.#taken.get(part);
    this.#taken.delete(part);
    try {
      // Also of one that was kept: what nobody waits for must not fail unheard.
      const value = await work;
      waiter?.resolve(value);
    } catch (error) {
      waiter?.reject(error);
    }
  }

  /** Runs the step. */
  async *parts(): AsyncGenerator<StepPart> {
    const context: StepContext = {
      ...this.#context,
      meta: this.#context.meta,
      metadata: this.#context.metadata,
      publish: (publishes) => optional(this.#ask({ publishes }).then(() => {})),
      callGuest: (name, args) => this.#ask({ calls: { name, args } }),
    };
    const iterator = this.#source.run(this.#input, context)[Symbol.asyncIterator]();
    let next = iterator.next();
    try {
      for (;;) {
        const result = await Promise.race([next, this.#more.promise]);
        // What was asked for before a result comes before it.
        for (let waiter = this.#asked.shift(); waiter !== undefined; waiter = this.#asked.shift()) {
          const part = this.#note(waiter.part);
          this.#taken.set(part, waiter);
          yield part;
        }
        this.#more = createDeferred();
        if (result === undefined) continue;
        if (result.done === true) return;
        yield this.#note({ yields: result.value });
        next = iterator.next();
      }
    } finally {
      await iterator.return?.(undefined);
    }
  }

  #ask(part: StepPart): Promise<unknown> {
    const waiter: Waiter = { ...createDeferred<unknown>(), part };
    waiter.promise.catch(() => {});
    this.#asked.push(waiter);
    this.#more.resolve();
    return waiter.promise;
  }

  /** The part, with what the step has noted since the last one. */
  #note(part: StepPart): StepPart {
    const { meta, metadata } = this.#context;
    const noted = JSON.stringify([meta, metadata]);
    if (noted === this.#noted) return part;
    this.#noted = noted;
    return { ...part, meta: { ...meta }, metadata: { ...metadata } };
  }
}
