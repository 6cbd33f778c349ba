import { randomUUID } from "node:crypto";
import { callBack } from "../base/calls/call-back.ts";
import { GeppettoError } from "../shared/errors.ts";
import type { ExecuteOptions, RunBounds } from "./code-tool-options.ts";
import type { CodeProgress } from "./code-progress.ts";

const MAX_TOOL_CALLS = 1_000;

type Told = CodeProgress extends infer One ? (One extends CodeProgress ? Omit<One, "runId"> : never) : never;

/** A run of a model's code, while it goes on: what it has asked for, and who hears of it. */
export class CurrentRun {
  readonly runId: string;
  readonly options: ExecuteOptions;
  readonly #bounds: RunBounds;
  toolCalls = 0;
  /** Approvals are asked for one at a time. */
  #asking: Promise<unknown> = Promise.resolve();

  constructor(bounds: RunBounds, options: ExecuteOptions) {
    this.#bounds = bounds;
    this.options = options;
    this.runId = options.runId ?? randomUUID();
  }

  /** @throws {GeppettoError} LimitError ERR_LIMIT_TOOL_CALLS where this call is one too many. */
  countToolCall(): number {
    const { maxToolCalls = MAX_TOOL_CALLS } = this.#bounds;
    if (this.toolCalls < maxToolCalls) return ++this.toolCalls;
    const message = `The code exceeded its limit of ${maxToolCalls} calls of tools; do more with each call, or less of it`;
    throw new GeppettoError("LimitError", message, { code: "ERR_LIMIT_TOOL_CALLS" });
  }

  /** What a listener throws is its own trouble. */
  tell(progress: Told): void {
    callBack(() => this.options.onProgress?.({ ...progress, runId: this.runId }));
  }

  /** Asks when all that was asked before has been answered. */
  ask<T>(question: () => Promise<T>): Promise<T> {
    const answer = this.#asking.then(question);
    this.#asking = answer.catch(() => {});
    return answer;
  }
}
