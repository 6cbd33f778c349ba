import { GeppettoError } from "../../shared/errors.ts";
import type { Outcome } from "../../shared/frames.ts";
import { parseFields, parseGuestFailure } from "../guest-messages.ts";
import type { StartRequest } from "./guest-run.ts";
import { parseYield } from "./guest-step.ts";
import type { OpTable } from "../op-table.ts";
import type { RunManager } from "./run-manager.ts";

const WANTS = ["events", "pull", "result", "wait"] as const;

/** Longest time that Node's timers can wait. */
const MAX_MS = 2_147_483_647;

/** The ops by which a guest starts, steers and serves its runs. */
export function registerRunOps(ops: OpTable, runs: () => RunManager): void {
  const sync = { mode: "sync" } as const;
  ops.set("run_start", (args, { chars }) => runs().start({ ...parseStart(args), chars }), sync);
  ops.set("run_cancel", (args) => cancelRun(runs(), args), sync);
  ops.set("run_ack", (args) => runs().ack(parseId(args), Number(parseFields(args)["count"])), sync);
  ops.set("run_answer", (args) => answerCall(runs(), args), sync);
  ops.set("run_yield", (args) => runs().take(parseId(args), parseYield(args)), sync);
  ops.set("run_is_aborted", (args) => runs().isAborted(parseId(args)), sync);
  // For a guest that waits.
  ops.set("run_wait", (args) => runs().wait(parseId(args)));
  ops.set("run_yield_wait", (args) => runs().takeBlocking(parseId(args), parseYield(args)));
  ops.set("run_sleep", (args, { signal }) =>
    runs().sleep(parseId(args), parseMs(parseFields(args)["ms"]) ?? 0, signal),
  );
}

function parseId(args: unknown): string {
  return String(parseFields(args)["id"]);
}

function parseMs(value: unknown): number | undefined {
  return typeof value === "number" && value >= 0 && value <= MAX_MS ? value : undefined;
}

function cancelRun(runs: RunManager, args: unknown): boolean {
  const { id, deliveredChars } = parseFields(args);
  return typeof id === "string" && runs.cancel(id, typeof deliveredChars === "number" ? deliveredChars : undefined);
}

function answerCall(runs: RunManager, args: unknown): void {
  const { id, callId, value, error } = parseFields(args);
  const outcome: Outcome = error === undefined ? { ok: true, value } : { ok: false, error: parseGuestFailure(error) };
  runs.answer(String(id), Number(callId), outcome);
}

function parseInterceptor(value: unknown): { name: string; args: unknown } {
  const { name, args } = parseFields(value);
  return { name: String(name).slice(0, 100), args };
}

function parseStart(args: unknown): Omit<StartRequest, "chars"> {
  const { id, step, want, input, failed, parent, inherits, forwards, timeoutMs, interceptor } = parseFields(args);
  if (typeof id !== "string" || typeof step !== "string") {
    throw new GeppettoError("ValidationError", "Cannot start a run: the request is malformed");
  }
  const request: Omit<StartRequest, "chars"> = {
    id,
    step,
    want: WANTS.find((known) => known === want) ?? "events",
    input,
  };
  if (failed !== undefined) request.failed = parseGuestFailure(failed);
  if (typeof parent === "string") request.parent = parent;
  if (inherits === true) request.inherits = true;
  if (forwards === true) request.forwards = true;
  if (interceptor !== undefined) request.interceptor = parseInterceptor(interceptor);
  const limit = parseMs(timeoutMs);
  if (limit !== undefined) request.timeoutMs = limit;
  return request;
}
