import { createDeferred, type Deferred } from "../base/deferred.ts";
import { GeppettoError } from "../shared/errors.ts";
import type { StepInfo } from "../shared/step-events.ts";
import type { Step, StepContext, StepEmission } from "../steps/step.ts";
import { parseFields } from "./guest-messages.ts";

/** What the body of a guest's step hands out: a result (its copy), or an event. */
export type GuestYield = { kind: "result"; value: unknown } | { kind: "emission"; emission: StepEmission };

interface Waiting {
  given: GuestYield;
  taken: Deferred<void>;
}

function parseName(value: unknown, fallback: string): string {
  return typeof value === "string" ? value.slice(0, 100) : fallback;
}

/** What the guest says about a step of its own. */
export function parseStepInfo(value: unknown): StepInfo {
  const { type, inputType, outputType, kind } = parseFields(value);
  return {
    type: parseName(type, "guest"),
    inputType: parseName(inputType, "any"),
    outputType: parseName(outputType, "any"),
    kind: kind === "text" || kind === "list" ? kind : "single",
  };
}

/** What the guest says that its step yields. */
export function parseYield(value: unknown): GuestYield {
  const { kind, value: result, emission } = parseFields(value);
  if (kind === "result") return { kind, value: result };
  const { type, delta } = parseFields(emission);
  if (kind === "emission" && type === "partial" && typeof delta === "string") {
    return { kind, emission: { type, delta } };
  }
  throw new GeppettoError("ValidationError", "Cannot publish what a step yields: it is malformed");
}

/**
 * The host's half of one run of a step that the guest made: its body runs in the guest, what it yields comes here, so
 * that its events, metadata and topic are those of any other step.
 */
export class GuestStep implements Step {
  readonly info: StepInfo;
  readonly #waiting: Waiting[] = [];
  #more: Deferred<void> | undefined;
  #over = false;

  constructor(info: StepInfo) {
    this.info = info;
  }

  /** Resolves when the run has taken it; at once when the run is over. */
  async take(given: GuestYield): Promise<void> {
    if (this.#over) return;
    const taken = createDeferred();
    this.#waiting.push({ given, taken });
    this.#more?.resolve();
    await taken.promise;
  }

  async *run(_: unknown, context: StepContext): AsyncGenerator {
    let ended = false;
    const body = context.callGuest("body", []).finally(() => {
      ended = true;
      this.#more?.resolve();
    });
    body.catch(() => {});
    try {
      while (!ended || this.#waiting.length > 0) {
        const next = this.#waiting.shift();
        if (next === undefined) {
          this.#more = createDeferred();
          await this.#more.promise;
        } else {
          if (next.given.kind === "emission") await context.publish(next.given.emission);
          else yield next.given.value;
          next.taken.resolve();
        }
      }
      await body;
    } finally {
      this.#over = true;
      for (const { taken } of this.#waiting.splice(0)) taken.resolve();
    }
  }
}
