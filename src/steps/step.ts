import type { ToolCall } from "../shared/chat-messages.ts";
import { GeppettoError } from "../shared/errors.ts";
import type { EventMeta, RunMetadata, StepInfo, StepKind } from "../shared/step-events.ts";

/** What a step publishes while it runs; start and the terminal event are the run's own. */
export type StepEmission =
  | { type: "partial"; delta: string }
  | { type: "tool-call"; toolCall: ToolCall }
  | { type: "tool-result"; toolResult: { id: string; result: unknown } };

/** What a running step may use. */
export interface StepContext {
  readonly runId: string;
  /** Aborted when the run is cancelled; pass it to everything that waits. */
  readonly signal: AbortSignal;
  /** Goes into the events and the results' `metadata`; a step may add to it. */
  readonly metadata: RunMetadata;
  /** The events' `meta`; a step may set it before its first emission. */
  readonly meta: EventMeta;
  /** Publishes an event. Await it: it resolves when whoever listens has room for more. */
  publish(emission: StepEmission): Promise<void>;
  /** Calls a function that the one who started the run gave with it; rejects with what it throws, or the abort. */
  callGuest(name: string, args: unknown): Promise<unknown>;
}

/** A computation that takes one input and yields zero or more results. */
export interface Step<I = unknown, O = unknown> {
  readonly info: StepInfo;
  run(input: I, context: StepContext): AsyncIterable<O>;
}

/** Validates and converts: a zod schema, or a function that throws. */
export type Converter<T> = { parse(value: unknown): T } | ((value: unknown) => T);

export interface StepDefinition<I, O> {
  /** The step's type in events and metadata, for example "double". */
  name: string;
  inputType?: string;
  outputType?: string;
  /** "text" when the step publishes partials, "list" when its results are a list by nature; default "single". */
  kind?: StepKind;
  input?: Converter<I>;
  output?: Converter<O>;
  run(input: I, context: StepContext): AsyncIterable<O>;
}

/**
 * Makes a step. Input and every result go through their converters; what the input converter refuses is a
 * ValidationError of the run.
 *
 * @example
 * const shout = defineStep({ name: "shout", input: z.string(), async *run(text) { yield text.toUpperCase(); } });
 */
export function defineStep<I = unknown, O = unknown>(definition: StepDefinition<I, O>): Step<unknown, O> {
  const { name, inputType = "any", outputType = "any", kind = "single", input, output } = definition;
  return {
    info: { type: name, inputType, outputType, kind },
    async *run(raw, context) {
      const checked = input === undefined ? (raw as I) : validated(input, raw, `the input of step "${name}"`);
      for await (const result of definition.run(checked, context)) {
        yield output === undefined ? result : validated(output, result, `a result of step "${name}"`);
      }
    },
  };
}

/**
 * `value` through its converter.
 *
 * @throws {GeppettoError} ValidationError that names `what` and says what the converter objected to.
 */
export function validated<T>(converter: Converter<T>, value: unknown, what: string): T {
  try {
    return typeof converter === "function" ? converter(value) : converter.parse(value);
  } catch (error) {
    if (error instanceof GeppettoError) throw error;
    throw new GeppettoError("ValidationError", `Cannot use ${what}: ${issuesOf(error)}`, { cause: error });
  }
}

/** What a zod error says of each place, or the message of any other error. */
function issuesOf(error: unknown): string {
  const { issues, message } = error as { issues?: { path: PropertyKey[]; message: string }[]; message?: string };
  if (!Array.isArray(issues)) return message ?? String(error);
  return issues.map((issue) => [issue.path.join("."), issue.message].filter((part) => part !== "").join(": ")).join("; ");
}
