import type { FrameKind, ScriptContext } from "../../shared/contract/frame-kinds.ts";
import type { Op, OpMode } from "../../shared/contract/op.ts";
import type { GeppettoError } from "../../shared/errors.ts";
import type { StepSource } from "../../steps/step.ts";
import type { Pace } from "../execution/pace.ts";
import type { EngineLimits } from "../limits.ts";
import type { OpHandler } from "../op-table.ts";
import type { RealmSession } from "../realm-session.ts";
import type { Interceptors } from "../run/run-manager.ts";
import type { ScriptRunner } from "../script/script-runner.ts";
import type { VirtualClock } from "../time/virtual-clock.ts";

/** What the engine lends to a Vm. */
export interface VmHost {
  readonly limits: EngineLimits;
  /** The guest has gone. */
  readonly hasEnded: boolean;
  /** Of an engine whose time is virtual. */
  readonly clock: VirtualClock | undefined;
  /** When what is due may go on. */
  readonly pace: Pace;
  /** Does what is seen outside when all before it is kept, where the script's execution lasts; else at once. */
  whenKept(then: () => void): void;
  enter<Body extends readonly unknown[]>(kind: FrameKind<Body>, ...body: Body): Promise<boolean>;
  /** Like enter, but the guest's failure rejects. */
  enterChecked<Body extends readonly unknown[]>(kind: FrameKind<Body>, ...body: Body): Promise<unknown>;
  /** The engine waits for this when all setup functions have run, and no setup function needs to: it is as good as done. */
  later(entered: Promise<void>): void;
  evaluate(code: string, filename: string): Promise<unknown>;
  setOp<Args, Answer, Mode extends OpMode>(
    op: Op<Args, Answer, Mode>,
    handler: OpHandler<Args, NoInfer<Answer>, Mode>,
  ): void;
  registerStep(name: string, step: StepSource): void;
  /** Serves what guests ask for under this name: something between a step and those who take its results, for one run. */
  setInterceptor<Name extends keyof Interceptors>(name: Name, interceptor: Interceptors[Name]): void;
  hold(kind: "timer", options?: { weak?: boolean }): () => void;
  /** Told before each script; the listener enters what its feature's guest half needs. */
  onScriptBegin(listener: (context: ScriptContext) => Promise<void>): void;
  onReset(listener: () => void): void;
  /** Told before each run of a session. */
  onSessionRun(listener: () => void): void;
  endScript(error: GeppettoError): void;
  /** Turns completed so far. */
  turns(): number;
  /** Resolves when the guest has nothing left to do but wait, at the latest after `maxTurns` more turns. */
  quiet(maxTurns: number): Promise<void>;
}

/** What there is of an engine from `start()` on. */
export interface Started {
  loop: RealmSession;
  runner: ScriptRunner;
}

/** What only the engine itself can do for a Vm. */
type OfEngine = Pick<
  VmHost,
  | "limits"
  | "clock"
  | "pace"
  | "whenKept"
  | "later"
  | "evaluate"
  | "onScriptBegin"
  | "onReset"
  | "onSessionRun"
  | "endScript"
>;

export function createVmHost({ loop }: Started, ofEngine: OfEngine): VmHost {
  return {
    ...ofEngine,
    get hasEnded() {
      return loop.disposed;
    },
    enter: (kind, ...body) => loop.enter(kind, ...body),
    enterChecked: (kind, ...body) => loop.enterChecked(kind, ...body),
    setOp: (op, handler) => loop.ops.set(op, handler),
    registerStep: (name, step) => loop.runs.register(name, step),
    setInterceptor: (name, interceptor) => loop.runs.setInterceptor(name, interceptor),
    hold: (kind, options) => loop.ledger.hold(kind, options),
    turns: () => loop.turns,
    quiet: (maxTurns) => loop.quiet(maxTurns),
  };
}
