import type { Unchecked } from "../../shared/contract/op.ts";
import { OPS } from "../../shared/contract/ops.ts";
import { DELIVERY, type RunStart } from "../../shared/contract/runs.ts";
import { GeppettoError } from "../../shared/errors.ts";
import type { Outcome } from "../../shared/frames.ts";
import { MAX_TIMER_MS } from "../../shared/limits.ts";
import { parseFields, parseGuestFailure } from "../guest-messages.ts";
import type { OpTable } from "../op-table.ts";
import type { StartRequest } from "./guest-run.ts";
import { parseStepInfo, parseYield } from "./guest-step.ts";
import type { RunManager } from "./run-manager.ts";

const DELIVERIES = Object.values(DELIVERY);

/** The ops by which a guest starts, steers and serves its runs. */
export function registerRunOps(ops: OpTable, runs: () => RunManager): void {
  ops.set(OPS.run_start, (args, { chars }) => runs().start({ ...parseStart(args), chars }));
  ops.set(OPS.run_cancel, (args) => {
    const { id, deliveredChars } = parseFields(args);
    return typeof id === "string" && runs().cancel(id, typeof deliveredChars === "number" ? deliveredChars : undefined);
  });
  ops.set(OPS.run_ack, (args) => runs().ack(parseId(args), Number(parseFields(args).count)));
  ops.set(OPS.run_forward, (args) => runs().decide(parseId(args), parseFields(args).forwards === true));
  ops.set(OPS.run_answer, (args) => {
    const { callId, value, error } = parseFields(args);
    const outcome: Outcome = error === undefined ? { ok: true, value } : { ok: false, error: parseGuestFailure(error) };
    runs().answer(parseId(args), Number(callId), outcome);
  });
  ops.set(OPS.run_yield, (args, { weight }) => runs().take(parseId(args), parseYield(args, weight)));
  ops.set(OPS.run_is_aborted, (args) => runs().isAborted(parseId(args)));
  ops.set(OPS.run_wait, (args) => runs().wait(parseId(args)));
  ops.set(OPS.run_yield_wait, (args, { weight }) => runs().takeBlocking(parseId(args), parseYield(args, weight)));
  ops.set(OPS.run_sleep, (args, { signal }) => runs().sleep(parseId(args), parseMs(parseFields(args).ms) ?? 0, signal));
}

function parseId(args: Unchecked<{ id: string }>): string {
  return String(parseFields(args).id);
}

function parseMs(value: unknown): number | undefined {
  return typeof value === "number" && value >= 0 && value <= MAX_TIMER_MS ? value : undefined;
}

function parsePart(value: unknown): number | undefined {
  return Number.isSafeInteger(value) ? (value as number) : undefined;
}

function parseInterception(value: unknown): NonNullable<StartRequest["interception"]> {
  const { name, args } = parseFields(value);
  return { name: String(name).slice(0, 100), args };
}

function parseStart(args: Unchecked<RunStart>): Omit<StartRequest, "chars"> {
  const {
    id,
    step,
    delivery,
    input,
    info,
    hasBegun,
    failed,
    parent,
    inherits,
    forwards,
    isUndecided,
    part,
    timeoutMs,
    interception,
  } = parseFields(args);
  if (typeof id !== "string" || typeof step !== "string") {
    throw new GeppettoError("ValidationError", "Cannot start a run: the request is malformed");
  }
  return {
    id,
    step,
    delivery: DELIVERIES.find((known) => known === delivery) ?? DELIVERY.every,
    input,
    info: parseStepInfo(info),
    hasBegun: hasBegun === true,
    failed: failed === undefined ? undefined : parseGuestFailure(failed),
    parent: typeof parent === "string" ? parent : undefined,
    inherits: inherits === true,
    forwards: forwards === true,
    isUndecided: isUndecided === true,
    part: parsePart(part),
    timeoutMs: parseMs(timeoutMs),
    ...(interception === undefined ? {} : { interception: parseInterception(interception) }),
  };
}
