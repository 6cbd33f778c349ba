/** `execution`: what outlives the process of a script, where its host keeps that. */
import { FRAMES, type ExecutionBegin } from "../../../src/shared/contract/frame-kinds.ts";
import { OPS, type ConsentRecord } from "../../../src/shared/contract/ops.ts";
import { parseWait } from "../../../src/shared/duration.ts";
import { ObjectFreeze, SafePromise } from "../../../src/shared/primordials.ts";
import { goOn } from "../time/current-time.ts";
import { installReproducible } from "../time/install-reproducible.ts";
import { forgetRandomBytes, randomUUID } from "../web/crypto.ts";
import { callWithSignal, checkOptions, notOptions, signalOf } from "./calls.ts";
import { guestError } from "./errors.ts";
import { callAsync, defineGlobal, onFrame, onReset } from "./kernel.ts";
import { waitingForPerson } from "./person-waits.ts";

let known: ExecutionBegin | undefined;
/** Of an execution that its host has not named. */
let ownId: string | undefined;

onFrame(FRAMES.execution_begin, (execution) => {
  known = execution;
  const { clock, seed } = execution;
  if (clock === undefined || seed === undefined) return;
  // What differs between two attempts comes from outside of the guest from here on.
  forgetRandomBytes();
  installReproducible({ seed, clock });
});

onFrame(FRAMES.attempt_live, (attempt) => {
  if (known !== undefined) known.attempt = attempt;
  goOn(attempt);
});

onReset(() => {
  known = undefined;
  ownId = undefined;
});

function msOf(value: unknown, what: string): number {
  const ms = parseWait(value);
  if (ms !== undefined) return ms;
  throw guestError(
    "ValidationError",
    `Cannot ${what}: the time must be milliseconds or a text such as "90s", "1.5h" or "3d", at most 100 years`,
  );
}

/** A time in the place of the options would have the script wait for ever. */
function checkWait(what: string, options: unknown, known: readonly string[]): void {
  if (typeof options === "number") throw notOptions(what, options);
  checkOptions(what, options, known);
}

function timeoutOf(options: unknown, what: string): { ms?: number } {
  const timeout = (options as { timeout?: unknown } | null | undefined)?.timeout;
  return timeout === undefined ? {} : { ms: msOf(timeout, what) };
}

function textOf(value: unknown, what: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw guestError("ValidationError", `Cannot ${what}: it must be a text that is not empty`);
}

/** The very promise that is made, which the abort of its signal marks; a rejected one where `ask` throws. */
function promised<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return ask();
  } catch (error) {
    return new SafePromise<T>((_, reject) => reject(error));
  }
}

export function installExecution(): void {
  const execution = {
    get id(): string {
      return known?.id ?? (ownId ??= randomUUID());
    },
    get attempt(): number {
      return known?.attempt ?? 1;
    },
    get durable(): boolean {
      return known?.isDurable ?? false;
    },
    get state(): unknown {
      return known?.state;
    },
    sleep(time: unknown, options?: unknown): Promise<void> {
      return promised(() => {
        const ms = msOf(time, "sleep");
        checkWait("sleep", options, ["signal"]);
        return callWithSignal(OPS.execution_sleep, { ms }, signalOf(options), () => undefined);
      });
    },
    receive(name: unknown, options?: unknown): Promise<unknown> {
      return promised(() => {
        checkWait("receive", options, ["timeout", "signal"]);
        const wanted = { name: textOf(name, "receive without a name"), ...timeoutOf(options, "receive") };
        const received = callWithSignal(OPS.execution_receive, wanted, signalOf(options), (answer) => answer.payload);
        return waitingForPerson(received);
      });
    },
    approve(question: unknown, options?: unknown): Promise<ConsentRecord> {
      return promised(() => {
        checkWait("ask", options, ["data", "timeout", "signal"]);
        const data = (options as { data?: unknown } | null | undefined)?.data;
        const asked = { question: textOf(question, "ask a question"), ...timeoutOf(options, "ask") };
        const request = data === undefined ? asked : { ...asked, data };
        const consent = callWithSignal(OPS.execution_approve, request, signalOf(options), (given) => given);
        return waitingForPerson(consent);
      });
    },
    async checkpoint(state?: unknown): Promise<void> {
      await callAsync(OPS.execution_checkpoint, { state }).promise;
    },
  };
  defineGlobal("execution", ObjectFreeze(execution));
}
