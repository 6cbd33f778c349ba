import type { Answer } from "../../src/journal/executions/journal.ts";
import { requireYesOrNo } from "../../src/journal/executions/execution-errors.ts";
import type { ExecutionWaits } from "../../src/engine/execution/execution-waits.ts";
import type { SetupFunction } from "../../src/engine/engine.ts";
import { parseFields } from "../../src/engine/guest-messages.ts";
import { encodeValue } from "../../src/shared/codec.ts";
import { OPS, type ConsentRecord } from "../../src/shared/contract/ops.ts";
import { parseWait } from "../../src/shared/duration.ts";
import { GeppettoError } from "../../src/shared/errors.ts";

/** Who answers scripts whose executions do not last. */
export interface Answers {
  /** Does somebody call `engine.send()`? Where nobody does, `execution.receive` rejects. Default true. */
  receive?: boolean;
  /**
   * Answers the questions of `execution.approve`; false: nobody does, and they reject. Default true: `engine.approve()`. It is
   * not asked where the execution lasts: that is suspended until somebody answers.
   */
  approve?:
    | boolean
    | ((question: string, about: { data?: unknown; signal: AbortSignal }) => Promise<Omit<Answer, "question">>);
}

/** Longest name and question, in characters. */
const MAX_TEXT = 10_000;
/** Longest JSON of what is shown with a question, in characters. */
const MAX_DATA = 100_000;

/** `execution`: sleeps, messages and questions, which outlive the process where the script's execution does. */
export function setupExecution({ receive = true, approve = true }: Answers = {}): SetupFunction {
  return function execution(vm, engine) {
    const waits = (): ExecutionWaits => engine.waits;
    vm.host.setOp(OPS.execution_sleep, async (args, { signal }) => {
      await waits().wait({ kind: "sleep", ms: parseMs(parseFields(args).ms) ?? 0 }, signal);
    });
    vm.host.setOp(OPS.execution_receive, async (args, { signal }) => {
      const { name, ms } = parseFields(args);
      if (!receive && engine.execution === undefined) throw notDurable(`receive ${JSON.stringify(name)}`);
      const answer = await waits().wait({ kind: "receive", name: parseText(name), ...timeOf(ms) }, signal);
      return answer as { payload?: unknown };
    });
    vm.host.setOp(OPS.execution_approve, async (args, { signal }) => {
      const { question, data, ms } = parseFields(args);
      checkData(data);
      const asked = {
        kind: "approve",
        question: parseText(question),
        ...(data === undefined ? {} : { data }),
      } as const;
      const isAnswered = engine.execution !== undefined || approve === true;
      if (!isAnswered && approve === false) throw notDurable("have a question answered");
      const answered = waits().wait({ ...asked, ...timeOf(ms) }, signal) as Promise<ConsentRecord>;
      if (isAnswered || typeof approve !== "function") return answered;
      return Promise.race([answered, answeredBy(approve, asked.question, { data, signal })]);
    });
    vm.host.setOp(OPS.execution_checkpoint, async (args) => {
      await engine.execution?.checkpoint(parseFields(args).state);
    });
    vm.host.later(vm.install("execution"));
  };
}

/** The answer of the host app's function. */
async function answeredBy(
  approve: Exclude<Answers["approve"], boolean | undefined>,
  question: string,
  about: { data?: unknown; signal: AbortSignal },
): Promise<ConsentRecord> {
  const { approved, by, note } = await approve(question, about);
  requireYesOrNo(approved);
  return { approved, by, at: new Date().toISOString(), ...(note === undefined ? {} : { note }) };
}

function notDurable(what: string): GeppettoError {
  return new GeppettoError("StepError", `Cannot ${what}: the execution is not durable, and nobody could answer`, {
    code: "ERR_NOT_DURABLE",
  });
}

function parseText(value: unknown): string {
  if (typeof value === "string" && value !== "" && value.length <= MAX_TEXT) return value;
  throw new GeppettoError(
    "ValidationError",
    `Cannot wait for an answer: its name must be a text of 1 to ${MAX_TEXT} characters`,
  );
}

function checkData(data: unknown): void {
  if (data === undefined || encodeValue(data).length <= MAX_DATA) return;
  throw new GeppettoError(
    "ValidationError",
    `Cannot ask a question: what is shown with it may have up to ${MAX_DATA} characters`,
  );
}

function parseMs(value: unknown): number | undefined {
  return typeof value === "number" ? parseWait(value) : undefined;
}

function timeOf(value: unknown): { ms?: number } {
  const ms = parseMs(value);
  return ms === undefined ? {} : { ms };
}
