/** What an element of a pipeline carries. */
type ElementKind = "text" | "audio" | "video" | "image" | "message" | "tool-call" | "parts" | "data";

/** What each function of a pipeline is told about the element that it is called for. */
interface StageContext extends CallContext {
  kind: ElementKind;
  /** What stages before this one have said of it. */
  metadata: Record<string, unknown>;
}

/** A value with what it is; see `pipeline.element`. */
interface PipelineElement {
  readonly __element: unique symbol;
}

/** A stage with a name, or several ways; see `pipeline.stage` and `pipeline.branch`. */
interface PipelineStage {
  readonly __stage: unique symbol;
}

/** What a stage can be: a function, a step, or the name of a stage that the host offers. */
type StageWork =
  // oxlint-disable-next-line typescript/no-explicit-any -- any step, and any function whose input what stands before it decides
  ((content: any, context: StageContext) => unknown) | Step<any, any, any> | string;

/**
 * A step whose stages work at the same time: an element goes on as soon as one of them is done with it. Its input is one
 * element, or an array of them; its results are what comes out of the last stage. When one stage fails all stop, with a
 * `StageError` that names it and has what it threw as `cause`. The results' `metadata.stages` has the figures of each.
 */
interface Pipeline<I = unknown, O = unknown> extends Step<I, O> {
  /**
   * The pipeline's picture, as a Mermaid flowchart; with the figures of a run, for its results' metadata.
   *
   * @example
   * const shout = pipeline.chain((text) => text.toUpperCase());
   * const results = await shout.startAsync(["hey", "you"]);
   * shout.toMermaid(results.metadata).includes("2 in, 2 out"); // → true
   */
  toMermaid(metadata?: RunMetadata): string;
}

/** Lets values stream through functions, steps and stages of the host's. */
declare const pipeline: {
  /**
   * A pipeline of stages, one after the other. A function is called with the content of each element, in order: a string
   * for a text, a message, whatever it is. What it returns, or resolves to, goes on in its place: each value of an array
   * as an element of its own, nothing for undefined and null. A generator function is asked for more as there is room. A
   * step is run for each element, and each of its results goes on.
   *
   * @example
   * const words = pipeline.chain((line) => line.split(" "), (word) => (word === "" ? null : word.length));
   * [...(await words.startAsync(["to be", "or  not"]))]; // → [2, 2, 2, 3]
   */
  chain<I = unknown, O = unknown>(...stages: (StageWork | PipelineStage)[]): Pipeline<I | readonly I[], O>;
  /**
   * A stage under a name of its own, for errors, pictures and figures.
   *
   * @example
   * const double = pipeline.stage("double", (n) => n * 2);
   * [...(await pipeline.chain(double, double).startAsync([1, 2]))]; // → [4, 8]
   */
  stage(name: string, work: StageWork): PipelineStage;
  /**
   * Several ways at once: each element goes every way, and what comes out of all of them goes on together. A way is a
   * stage, or an array of stages one after the other. Each way keeps its order; between the ways there is no order.
   *
   * @example
   * const both = pipeline.chain(pipeline.branch((n) => n + 1, [(n) => n * 2, String]));
   * [...(await both.startAsync(5))].length; // → 2
   */
  branch(...ways: (StageWork | PipelineStage | readonly (StageWork | PipelineStage)[])[]): PipelineStage;
  /**
   * A value with its kind, metadata of up to 64 kB for the stages that follow, and a priority, for what is not simply text, a message
   * or data; for example audio for a stage of the host's.
   *
   * @example
   * const tagged = pipeline.chain(
   *   (text) => pipeline.element("text", text, { metadata: { from: "me" } }),
   *   (text, { metadata }) => `${metadata.from}: ${text}`,
   * );
   * (await tagged.startAsync("hello"))[0]; // → "me: hello"
   */
  element(
    kind: ElementKind | "end-of-turn" | "end-of-stream" | "interrupt",
    content?: unknown,
    options?: { metadata?: Record<string, unknown>; priority?: "low" | "normal" | "high" | "critical" },
  ): PipelineElement;
};
