/** What a run has found out about itself. */
interface RunMetadata {
  /** Id of the run. */
  stepId: string;
  type: string;
  inputType: string;
  outputType: string;
  /** Milliseconds since the epoch. */
  startedAt: number;
  durationMs?: number;
  eventCount?: number;
  /** Tokens, where models were asked; the sum over the steps that it is made of. What a function starts counts for itself. */
  usage?: { inputTokens?: number; outputTokens?: number; [count: string]: unknown };
  /** The model that answered. */
  engine?: string;
  /** This run, or one inside it, was played back from a cache. */
  cached?: true;
  stopReason?: string;
  [field: string]: unknown;
}

/** How the messages of a chat were made to fit its `context`; counts of tokens are estimates. */
interface ContextChange {
  action: "truncate" | "summarize" | "function";
  maxTokens: number;
  tokensBefore: number;
  tokensAfter: number;
  messagesBefore: number;
  messagesAfter: number;
  /** What stands for the messages that are not sent any more. */
  summary?: string;
}

/** The results of a run; `metadata` is not enumerable. */
type StepResults<O> = O[] & { readonly metadata: RunMetadata };

/** What every error of a run has. */
interface RunError extends Error {
  /** For example "ERR_VALIDATION", "ERR_TIMEOUT" or "ERR_RATE_LIMIT". */
  code: string;
  /** May the same call succeed when it is made again? */
  isTransient: boolean;
  /** HTTP status of a provider's answer. */
  status?: number;
  /** Does the message contain the text? */
  includes(text: string): boolean;
}

interface StepEventFields {
  meta: {
    /** Id of the message that the run makes, or of the run. */
    messageId: string;
    /** Id of the message that it answers, or "". */
    parentId: string;
    /** The model that answers, or "". */
    engine: string;
  };
  step: {
    stepId: string;
    type: string;
    inputType: string;
    outputType: string;
    metadata: RunMetadata;
    /** The run inside which this one was started, where there is one. */
    parentRunId?: string;
  };
  /** Counts the events of a run from 0. */
  seq: number;
  /** Milliseconds since the epoch. */
  time: number;
}

/** One event of a run: start, then partials, reasoning and tool events, then exactly one of final, error and interrupt. */
type StepEvent<O = unknown> = StepEventFields &
  (
    | { type: "start" }
    /** A piece of text, or, with `result`, one result of a list; `completion` is the text so far. */
    | { type: "partial"; delta: string; completion: string; result?: O }
    /** A piece of what a model thinks; no part of its text. */
    | { type: "reasoning"; delta: string }
    | { type: "tool-call"; toolCall: ToolCall }
    /** `isError` where the tool failed, or was not called. */
    | {
        type: "tool-result";
        toolResult: {
          id: string;
          result: unknown;
          isError?: boolean;
          code?: string;
          /** What the tool was called with, where a hook has changed that. */
          input?: Record<string, unknown>;
          /** How often it was called, where that is more than once. */
          attempts?: number;
        };
      }
    /** The model is asked with fewer messages than the chat has; see the option `context`. */
    | { type: "context"; context: ContextChange }
    /** How far a call of an MCP server has come. */
    | { type: "progress"; progress: { value: number; total?: number; message?: string } }
    /** What an MCP server logs of a call. */
    | { type: "log"; log: { level: string; logger?: string; data: unknown } }
    /** `result` is the one result, or the array of a step that is a list by nature. */
    | { type: "final"; text: string; result: O | O[]; results: O[] }
    /**
     * `error` is the text of the error, `cause` the error itself, to be thrown; `cause` is not enumerable. A script that has
     * read neither of them when it ends is a failed script.
     */
    | { type: "error"; error: string; code: string; cause: RunError }
    | { type: "interrupt"; text: string }
  );

interface SignalOption {
  /** Cancels the run. */
  signal?: AbortSignal | undefined;
}

interface StepCallbacks<Piece> {
  /** Each result or, of a step that streams text, each piece of it. */
  onResult?: (result: Piece) => void;
  /** Without it an error counts as uncaught. */
  onError?: (error: RunError) => void;
  onDone?: () => void;
  onCancel?: () => void;
}

/**
 * A computation that takes one input and gives zero or more results. `Piece` is what it streams: its results, or text.
 * However it was made, a step can be started in each of these ways, any number of times at once.
 */
interface Step<I = unknown, O = unknown, Piece = O> {
  /**
   * Starts a run and returns its id at once. Events come in later turns, in order, none lost; also a failure to start.
   *
   * @example
   * const id = doubleStep.runWithEvents(21, (event) => {
   *   if (event.type === "final") console.log(id, event.text);
   * });
   */
  runWithEvents(input: I, onEvent: (event: StepEvent<O>) => void, options?: SignalOption): string;
  /**
   * Cancels one run, or all of this step's. Was there anything to cancel? If so the next event is its `interrupt`.
   *
   * @example
   * const run = doubleStep.runWithEvents(1, () => {});
   * doubleStep.cancel(run); // → true
   * doubleStep.cancel(run); // → false
   */
  cancel(runID?: string): boolean;
  /**
   * The results, when the run has ended. The first error rejects; an abort rejects with the signal's reason.
   *
   * @example
   * const results = await doubleStep.startAsync(21);
   * [...results]; // → [42]
   * results.metadata.type; // → "double"
   */
  startAsync(input: I, options?: SignalOption): Promise<StepResults<O>>;
  /**
   * The results. The script waits for them; its host, and other scripts, do not. Functions of the script that are
   * called meanwhile must not be asynchronous.
   *
   * @example
   * doubleStep.startBlocking(21)[0]; // → 42
   */
  startBlocking(input: I): StepResults<O>;
  /**
   * Calls back for each result, and exactly one of onDone, onError and onCancel at the end. Returns what cancels it.
   *
   * @example
   * const cancel = doubleStep.startWithCallbacks(21, { onResult: console.log, onError: console.error });
   * setTimeout(cancel, 100);
   */
  startWithCallbacks(input: I, callbacks?: StepCallbacks<Piece>): () => boolean;
  /**
   * The events of a run. Leaving the loop early cancels it.
   *
   * @example
   * const types = [];
   * for await (const event of doubleStep.events(21)) types.push(event.type);
   * types; // → ["start", "final"]
   */
  events(input: I, options?: SignalOption): AsyncIterableIterator<StepEvent<O>>;
  /**
   * The results of a run, or the pieces of its text. Leaving the loop early cancels it; an error of the run is thrown.
   * An iterable that is dropped unread keeps no script going: its run ends with the script.
   *
   * @example
   * for await (const piece of new ChatStepFactory().newStep().stream("Hello")) process.stdout.write(piece);
   */
  stream(input: I, options?: SignalOption): AsyncIterableIterator<Piece>;
}

/** What each function that a step calls is told about the run. */
interface CallContext {
  /** Aborted when the run is cancelled. */
  signal: AbortSignal;
}

// oxlint-disable-next-line typescript/no-explicit-any -- any step, and any function whose input what stands before it decides
type StepStage = Step<any, any, any> | ((given: any, context: CallContext) => unknown);

/** What a function of `compose` gives: the list of results, or the one result; or a promise of it. */
type Composed<O> = readonly O[] | O | PromiseLike<readonly O[] | O>;

/** A stage of `compose`: a step that is run for each result before it, or a function of all of them. */
type ComposeStage<I, O> = Step<I, O, unknown> | ((given: I[], context: CallContext) => Composed<O>);

/** The first stage of `compose`: it gets the input itself. */
type FirstStage<I, O> = Step<I, O, unknown> | ((input: I, context: CallContext) => Composed<O>);

/** Makes steps of functions and of other steps. A wrong argument is an error that names it, at once. */
declare const steps: {
  /**
   * A step with one result: whatever the function returns or resolves to.
   *
   * @example
   * const shout = steps.createLambdaStep((text) => String(text).toUpperCase());
   * shout.startBlocking("hey")[0]; // → "HEY"
   */
  createLambdaStep<I, O>(fn: (input: I, context: CallContext) => O | PromiseLike<O>): Step<I, O>;
  /**
   * A step with one result for each element of its input, in order. The first failure stops it. An input that is not an
   * array is one element.
   *
   * @example
   * const lengths = steps.createMapStep((word) => String(word).length);
   * [...(await lengths.startAsync(["one", "three"]))]; // → [3, 5]
   */
  createMapStep<I, O>(fn: (element: I, context: CallContext) => O | PromiseLike<O>): Step<I | readonly I[], O>;
  /**
   * A step of up to three functions, one after the other, each of which may be asynchronous.
   *
   * @example
   * const step = steps.createStep({ input: Number, process: (n) => n * 10, output: String });
   * step.startBlocking("4")[0]; // → "40"
   */
  createStep<I = unknown, A = I, B = A, O = B>(options: {
    input?: (input: I, context: CallContext) => A | PromiseLike<A>;
    process?: (input: A, context: CallContext) => B | PromiseLike<B>;
    output?: (result: B, context: CallContext) => O | PromiseLike<O>;
  }): Step<I, O>;
  /**
   * A step of steps and functions. A function gets the array of results of what stands before it, and what it returns
   * becomes the results; a step is run once for each result, in order. The first gets the input itself.
   *
   * @example
   * const double = steps.createLambdaStep((x) => Number(x) * 2);
   * const step = steps.compose([(x) => [x, x + 1], double, (all) => all.concat(0)]);
   * [...(await step.startAsync(1))]; // → [2, 4, 0]
   */
  // oxlint-disable-next-line typescript/no-explicit-any -- what nobody says of the input is left open
  compose<I = any, A = unknown>(stages: readonly [FirstStage<I, A>]): Step<I, A>;
  // oxlint-disable-next-line typescript/no-explicit-any -- as above
  compose<I = any, A = unknown, B = unknown>(stages: readonly [FirstStage<I, A>, ComposeStage<A, B>]): Step<I, B>;
  // oxlint-disable-next-line typescript/no-explicit-any -- as above
  compose<I = any, A = unknown, B = unknown, C = unknown>(
    stages: readonly [FirstStage<I, A>, ComposeStage<A, B>, ComposeStage<B, C>],
  ): Step<I, C>;
  // oxlint-disable-next-line typescript/no-explicit-any -- as above
  compose<I = any, A = unknown, B = unknown, C = unknown, D = unknown>(
    stages: readonly [FirstStage<I, A>, ComposeStage<A, B>, ComposeStage<B, C>, ComposeStage<C, D>],
  ): Step<I, D>;
  compose<I = unknown, O = unknown>(stages: readonly StepStage[]): Step<I, O>;
  /**
   * Runs the step once for each result, in order, and gives all its results.
   *
   * @example
   * [...(await steps.bind([1, 2], doubleStep))]; // → [2, 4]
   */
  bind<I, O, P>(
    results: readonly I[] | PromiseLike<readonly I[]>,
    step: Step<I, O, P>,
    options?: SignalOption,
  ): Promise<StepResults<O>>;
  /**
   * Runs the step on each element of its input, at most `maxConcurrency` (default 8) at a time. Results keep the order
   * of the input and come as soon as those before them are there. The first failure cancels the rest.
   *
   * @example
   * const parallel = steps.createParallelStep({ maxConcurrency: 3, step: doubleStep });
   * [...(await parallel.startAsync([3, 2, 1]))]; // → [6, 4, 2]
   */
  createParallelStep<I, O, P>(options: { maxConcurrency?: number; step: Step<I, O, P> }): Step<I | readonly I[], O>;
  /**
   * Runs the step again when it fails. Results of a failed attempt are dropped; a text is not tried again after its
   * first piece, nor anything after a cancel.
   *
   * - `maxAttempts`: default 3
   * - `backoff`: how long to wait after which attempt, in milliseconds of at least 0; default not at all. Anything else, and
   *   what it throws, is an uncaught error
   * - `shouldRetry`: default for every error
   *
   * @example
   * let calls = 0;
   * const flaky = steps.createLambdaStep((x) => {
   *   if (++calls < 3) throw new Error("not yet");
   *   return x;
   * });
   * const robust = steps.withRetry(flaky, { maxAttempts: 3, backoff: (attempt) => 2 ** attempt });
   * (await robust.startAsync("good"))[0]; // → "good"
   */
  withRetry<I, O, P>(
    step: Step<I, O, P>,
    options?: {
      maxAttempts?: number;
      backoff?: (attempt: number) => number | PromiseLike<number>;
      shouldRetry?: (error: RunError) => unknown;
    },
  ): Step<I, O, P>;
  /**
   * Ends in a TimeoutError when the step takes longer.
   *
   * @example
   * const never = steps.createLambdaStep(() => new Promise(() => {}));
   * const error = await steps.withTimeout(never, 10).startAsync(1).catch((thrown) => thrown);
   * error.name; // → "TimeoutError"
   */
  withTimeout<I, O, P>(step: Step<I, O, P>, ms: number): Step<I, O, P>;
  /**
   * A step whose function keeps a state: the very object, over all executions, which never overlap. The function may
   * start a further execution, which comes when this one has ended; one that waits for it waits for ever, until a
   * `withTimeout` around the step, or the script's time limit, ends it.
   *
   * @example
   * const counter = steps.withState({ initialState: { n: 0 }, step: (by, state) => (state.n += Number(by)) });
   * counter.startBlocking(2)[0]; // → 2
   * counter.startBlocking(3)[0]; // → 5
   */
  withState<I, S extends object, O>(options: {
    initialState: S;
    step: (input: I, state: S, context: CallContext) => O | PromiseLike<O>;
  }): Step<I, O>;
  /**
   * Tells hooks what happens to the step. What a hook throws changes nothing of that: it is an uncaught error, which ends a
   * script.
   *
   * @example
   * const watched = steps.withEvents(doubleStep, { onResult: (result) => console.log("produced", result) });
   * watched.startBlocking(2);
   */
  withEvents<I, O, P>(
    step: Step<I, O, P>,
    hooks: {
      onStart?: (input: I) => void;
      /** Each result; of a text the whole message. */
      onResult?: (result: O) => void;
      onComplete?: () => void;
      onError?: (error: RunError) => void;
    },
  ): Step<I, O, P>;
  /**
   * A pipeline as a step, which it is already.
   *
   * @example
   * const step = steps.fromPipeline(pipeline.chain((text) => text.length));
   * step.startBlocking("four")[0]; // → 4
   */
  fromPipeline<I, O>(pipeline: Pipeline<I, O>): Step<I, O>;
  /**
   * Runs the step once for each input; when the input comes again, what that run published and gave is played back: the
   * same events and results in the same order, under an id and times of their own, with `cached: true` in the metadata.
   *
   * - `key`: gives, at once or later, the string or number that stands for the input; default the input itself
   *
   * A step of the host's (a chat, embeddings, a binding) is known by what its results depend on: provider, model,
   * options and input, or the key in the input's place. A step that a script made is known by itself, so that no two
   * share. What is kept lasts as long as the script, unless the host keeps it longer, and the least used goes first.
   * Results that are played back are copies. Runs that fail or are cancelled are not kept, nor those whose input or
   * results a copy does not say all of: functions, objects of classes. Runs of one input that begin before the first has
   * ended all run; so do those beyond what the host has room to play back at once, which is megabytes.
   *
   * @example
   * let calls = 0;
   * const slow = steps.withCache(steps.createLambdaStep((x) => ({ x, call: ++calls })));
   * await slow.startAsync("a");
   * const again = await slow.startAsync("a");
   * again[0].call; // → 1
   * again.metadata.cached; // → true
   * const byTopic = steps.withCache(doubleStep, { key: (n) => n % 10 });
   * byTopic.startBlocking(3)[0]; // → 6
   * byTopic.startBlocking(13)[0]; // → 6
   */
  withCache<I, O, P>(
    step: Step<I, O, P>,
    options?: { key?: (input: I, context: CallContext) => string | number | PromiseLike<string | number> },
  ): Step<I, O, P>;
};

/**
 * The step to try steps with: a number in, twice the number out.
 *
 * @example
 * doubleStep.startBlocking(21)[0]; // → 42
 */
declare const doubleStep: Step<number, number>;
