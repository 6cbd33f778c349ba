import { callBack, optional } from "../base/calls/call-back.ts";
import type { CallEffect } from "../base/calls/outside.ts";
import { timeSource } from "../base/time/time-source.ts";
import type { Publisher } from "../events/bus.ts";
import { SEQUENCE_NUMBER } from "../events/message.ts";
import type { ToolCall } from "../shared/chat-messages.ts";
import { GeppettoError } from "../shared/errors.ts";
import { isTerminal, type StepEvent, type StepInfo, type StepKind } from "../shared/step-events.ts";
import { refuseWrong, type FieldsOf } from "../shared/wrong-option.ts";
import { validated, type Converter } from "./converter.ts";
import { inheritMetadata } from "./run-metadata.ts";
import { StepRun } from "./step-run.ts";
import type { StartContext, Step, StepContext, StepResult, StepSource } from "./step.ts";

export interface StepDefinition<I, R, O> {
  /** The step's type in events and metadata, for example "double". */
  name: string;
  inputType?: string;
  outputType?: string;
  /**
   * The results are a list by nature: each is an event of its own. Short for `kind: "list"`. A step that yields a second
   * time gives a list without it, too, of which the first result is told with the second.
   */
  many?: boolean;
  /** "text" when the step publishes partials, "list" when its results are a list by nature; default "single". */
  kind?: StepKind;
  /** What an input must be. What it refuses is a ValidationError of the run. */
  input?: Converter<I>;
  /** What each result must be; likewise. */
  output?: Converter<O, R>;
  /**
   * What becomes of a run in an execution that lasts which was under way when its process ended: "none", "keyed": it begins
   * anew; "once" (default): not by itself. See `vm.op`.
   */
  effect?: CallEffect;
  run(input: I, context: StepContext): AsyncIterable<R>;
}

type AnyDefinition = StepDefinition<unknown, unknown, unknown>;

const FIELDS: FieldsOf<AnyDefinition> = {
  name: true,
  inputType: true,
  outputType: true,
  many: true,
  kind: true,
  input: true,
  output: true,
  effect: true,
  run: true,
};

/** A step with a body that is known: hosts start it, engines give it to their guests. */
export interface DefinedStep<I = unknown, O = unknown> extends Step<I, O>, StepSource<unknown, O> {
  addPublishedTopic(publisher: Pick<Publisher, "publish">, topic: string): () => void;
}

/**
 * Makes a step. Input and every result go through their converters, and their types are the schemas'.
 *
 * @example
 * const shout = defineStep({ name: "shout", input: z.string(), async *run(text) { yield text.toUpperCase(); } });
 * await shout.start({}, "hello").return(); // [{ ok: true, value: "HELLO" }]
 * @throws {GeppettoError} ConfigError for an unknown field, or a `run` that is not a function.
 */
export function defineStep<I = unknown, R = unknown, O = R>(definition: StepDefinition<I, R, O>): DefinedStep<I, O> {
  refuseWrong<AnyDefinition>("define a step", definition as AnyDefinition, FIELDS);
  if (typeof definition.run !== "function")
    throw new GeppettoError("ConfigError", "Cannot define a step: run must be a function");
  return new StepFromDefinition(definition);
}

interface PublishedTopic {
  publisher: Pick<Publisher, "publish">;
  topic: string;
}

class StepFromDefinition<I, R, O> implements DefinedStep<I, O> {
  readonly info: StepInfo;
  readonly effect: CallEffect;
  readonly #definition: StepDefinition<I, R, O>;
  readonly #topics = new Set<PublishedTopic>();

  constructor(definition: StepDefinition<I, R, O>) {
    const { name, inputType = "any", outputType = "any", many = false, effect = "once" } = definition;
    this.effect = effect;
    this.#definition = definition;
    this.info = { type: name, inputType, outputType, kind: definition.kind ?? (many ? "list" : "single") };
  }

  start({ signal, runId = timeSource().uuid() }: StartContext, input: I): StepResult<O> {
    const run = new StepRun<O>({
      id: runId,
      source: this,
      now: () => timeSource().now(),
      ...(signal ? { signal } : {}),
    });
    void run.execute(() => input);
    return run;
  }

  addPublishedTopic(publisher: Pick<Publisher, "publish">, topic: string): () => void {
    const entry = { publisher, topic };
    this.#topics.add(entry);
    return () => void this.#topics.delete(entry);
  }

  async *run(raw: unknown, context: StepContext): AsyncGenerator<O> {
    const { name, input, output, run } = this.#definition;
    const checked = input === undefined ? (raw as I) : validated(input, raw, `the input of step "${name}"`);
    for await (const result of run.call(this.#definition, checked, context)) {
      yield output === undefined ? (result as unknown as O) : validated(output, result, `a result of step "${name}"`);
    }
  }

  onEvent(event: StepEvent): Promise<void> | undefined {
    return this.#topics.size === 0 ? undefined : this.#publish(event);
  }

  async #publish(event: StepEvent): Promise<void> {
    const own = `step.${event.step.stepId}`;
    const isLast = isTerminal(event.type);
    const published = [...this.#topics].map((entry) => {
      if (isLast && entry.topic === own) this.#topics.delete(entry);
      return publish(entry, event);
    });
    await Promise.all(published);
  }
}

async function publish({ publisher, topic }: PublishedTopic, event: StepEvent): Promise<void> {
  try {
    const metadata = { [SEQUENCE_NUMBER]: String(event.seq) };
    await publisher.publish(topic, event, { metadata });
  } catch {
    // A subscriber's trouble is not the run's.
  }
}

/** What an engine can execute: the step itself, or, for an implementation of its own, a source that starts it. */
export function toSource<I, O>(step: Step<I, O> | StepSource<I, O>, name: string): StepSource<I, O> {
  if ("info" in step && "run" in step) return step;
  return {
    info: { type: name, inputType: "any", outputType: "any", kind: "list" },
    async *run(input, { signal, metadata, runId, publish }) {
      // What the step itself publishes is the run's.
      const end = step.addPublishedTopic(
        { publish: (_, event) => optional(republish(event, runId, publish)) },
        `step.${runId}`,
      );
      const result = step.start({ signal, runId }, input);
      const onAbort = (): void => callBack(() => result.cancel());
      signal.addEventListener("abort", onAbort, { once: true });
      try {
        yield* valuesOf(result);
      } finally {
        if (typeof end === "function") end();
        signal.removeEventListener("abort", onAbort);
        inheritMetadata(metadata, result.getMetadata());
      }
    },
  };
}

/**
 * Publishes what a step has published of a run as that run's own: pieces of text and tool events. Start, results and end
 * are told by the run itself.
 */
async function republish(event: unknown, runId: string, publish: StepContext["publish"]): Promise<void> {
  const { type, step, delta, toolCall, toolResult, ...rest } = (event ?? {}) as Partial<PublishedFields>;
  if (step?.stepId !== undefined && step.stepId !== runId) return;
  if (type === "partial" && typeof delta === "string" && !("result" in rest)) await publish({ type, delta });
  else if (type === "tool-call" && toolCall !== undefined) await publish({ type, toolCall });
  else if (type === "tool-result" && toolResult !== undefined) await publish({ type, toolResult });
}

interface PublishedFields {
  type: string;
  step: { stepId?: string };
  delta: unknown;
  toolCall: ToolCall;
  toolResult: { id: string; result: unknown };
}

/** The values of a result as they come; throws the error that ends them. */
export async function* valuesOf<O>(result: StepResult<O>): AsyncGenerator<O> {
  for await (const next of result.getChannel()) {
    if (!next.ok) throw next.error;
    yield next.value;
  }
}
