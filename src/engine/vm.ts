import { callWith, type CallContext } from "../base/call-context.ts";
import { currentOutside, type CallEffect } from "../base/calls/outside.ts";
import { createDeferred } from "../base/deferred.ts";
import { timeSource } from "../base/time/time-source.ts";
import type { BindingConfig, FeatureConfigs, FeatureName } from "../shared/contract/features.ts";
import { FRAMES } from "../shared/contract/frame-kinds.ts";
import { appOp } from "../shared/contract/op.ts";
import { GeppettoError } from "../shared/errors.ts";
import { refuseWrong } from "../shared/wrong-option.ts";
import { validated } from "../steps/converter.ts";
import { toSource } from "../steps/define-step.ts";
import type { Step, StepSource } from "../steps/step.ts";
import type { HostOpHandler, HostOps, UndeclaredOp } from "./host-ops.ts";
import { keptStep } from "./execution/kept-step.ts";
import { orderlyStep } from "./time/orderly-step.ts";
import { StepObject, type StepBindingOptions } from "./step-object.ts";
import type { VmHost } from "./setup/vm-host.ts";

export interface BindingOptions {
  /**
   * "async" (default): the script gets a promise. "sync": the handler answers at once and must not be async.
   * "blocking": the script waits for the handler's promise, the host does not.
   */
  mode?: BindingConfig["mode"];
  /** The handler gets a {@link CallContext} before the arguments: whose call it is, and a signal. Default false. */
  context?: boolean;
  /**
   * What becomes of a call in an execution that lasts whose answer was lost with its process. "none": it reads, and is made
   * again. "keyed": it is made again, with the same `idempotencyKey` in its {@link CallContext}. "once" (default): it is
   * never made again by itself; the execution is suspended until somebody says what has become of the call.
   */
  effect?: CallEffect;
}

/** What a setup function has given scripts under a name. */
export interface Definition {
  kind: "value" | "op" | "step";
  /** As scripts write it; that of an op may be dotted. */
  name: string;
  /** Of an op. */
  mode?: BindingConfig["mode"];
}

const NAME = /^[A-Za-z_$][\w$]*(\.[A-Za-z_$][\w$]*)*$/;

function checkedName(name: unknown): string {
  if (typeof name === "string" && NAME.test(name)) return name;
  throw undefinable(name, "it is not an identifier");
}

/** What a setup function shapes the guest with. Calls take effect in order; await them to see their errors. */
export class Vm {
  /** What built-in features need beyond the public methods. */
  readonly host: VmHost;
  /** Everything that was defined so far, in order. */
  readonly definitions: Definition[] = [];

  constructor(host: VmHost) {
    this.host = host;
  }

  /**
   * Defines a global with a copy of `value`, or with the step object that {@link createWatermillStepObject} made.
   *
   * @throws {GeppettoError} ValidationError where the value holds a function (use {@link op}) or refers to itself.
   */
  set(name: string, value: unknown): Promise<void> {
    return this.#unlessEnded(this.#set(name, value));
  }

  async #set(name: string, value: unknown): Promise<void> {
    if (value instanceof StepObject) return this.registerStep(name, value.step, value.options);
    await this.host.enterChecked(FRAMES.global_set, checkedName(name), value);
    this.definitions.push({ kind: "value", name });
  }

  /** Runs classic script code in the guest; resolves with a copy of its (awaited) value. */
  runString(code: string): Promise<unknown> {
    return this.#unlessEnded(this.host.evaluate(code, "file:///setup.js"));
  }

  /**
   * Gives scripts a global function that the host serves. `name` may be dotted: "orders.find". Arguments and results
   * are copied; what the handler throws is thrown in the script, without the host's stack.
   *
   * @example
   * await vm.op("orders.find", async (id) => database.find(String(id)));
   * await vm.op("orders.mine", ({ tenant }) => database.of(tenant), { context: true });
   */
  op<Name extends Extract<keyof HostOps, string>>(
    name: Name,
    handler: HostOpHandler<Name>,
    options?: BindingOptions & { context?: false },
  ): Promise<void>;
  op(
    name: string,
    // oxlint-disable-next-line typescript/no-explicit-any -- a handler names the arguments that it takes
    handler: (context: CallContext<any>, ...args: any[]) => unknown,
    options: BindingOptions & { context: true },
  ): Promise<void>;
  op<Name extends string>(
    name: UndeclaredOp<Name>,
    // oxlint-disable-next-line typescript/no-explicit-any -- as above
    handler: (...args: any[]) => unknown,
    options?: BindingOptions,
  ): Promise<void>;
  op(
    name: string,
    // oxlint-disable-next-line typescript/no-explicit-any -- as above
    handler: (...args: any[]) => unknown,
    options: BindingOptions = {},
  ): Promise<void> {
    return this.#unlessEnded(this.#op(name, handler, options));
  }

  // oxlint-disable-next-line typescript/no-explicit-any -- as above
  async #op(name: string, handler: (...args: any[]) => unknown, options: BindingOptions): Promise<void> {
    refuseWrong(`define "${name}"`, options, { mode: true, context: true, effect: true });
    const { mode = "async", context = false, effect = "once" } = options;
    checkEffect(name, effect);
    if (!MODES.includes(mode)) throw undefinable(name, 'its mode must be "async", "sync" or "blocking"');
    if (typeof handler !== "function") throw undefinable(name, "its handler must be a function");
    this.host.setOp(appOp(checkedName(name), mode), (args, call) => {
      if (!Array.isArray(args))
        throw new GeppettoError("ValidationError", `Cannot call ${name}: the arguments are malformed`);
      const serve = (): unknown =>
        context ? handler(callWith(call.signal), ...(args as unknown[])) : handler(...(args as unknown[]));
      const outside = currentOutside();
      if (mode === "sync") return outside === undefined ? serve() : outside.callNow({ name, effect, args }, serve);
      if (outside === undefined) {
        const time = timeSource();
        return time.isVirtual ? time.landed(serve, call.signal) : serve();
      }
      return outside.call({ name, effect, args, signal: call.signal }, serve);
    });
    await this.install("binding", { name, mode });
    this.definitions.push({ kind: "op", name, mode });
  }

  /** Gives scripts a step object under a global name. */
  registerStep<I, O>(
    name: string,
    step: Step<I, O> | StepSource<I, O>,
    options: StepBindingOptions<I, O> = {},
  ): Promise<void> {
    return this.#unlessEnded(this.#registerStep(name, step, options));
  }

  async #registerStep<I, O>(
    name: string,
    step: Step<I, O> | StepSource<I, O>,
    options: StepBindingOptions<I, O>,
  ): Promise<void> {
    refuseWrong(`define "${name}"`, options, { input: true, output: true, effect: true });
    const source = toSource(step, checkedName(name));
    const { effect = source.effect ?? "once" } = options;
    checkEffect(name, effect);
    this.host.registerStep(name, orderlyStep(keptStep(convertedSource(name, source, options), { name, effect })));
    await this.install("step", { ...source.info, name, step: name });
    this.definitions.push({ kind: "step", name });
  }

  /**
   * The same; what the guest's end has kept from being done nobody need wait for. A setup function that waits for none of
   * its calls must not end the process because its engine is closed.
   */
  #unlessEnded<T>(work: Promise<T>): Promise<T> {
    const { promise, resolve, reject } = createDeferred<T>();
    work.then(resolve, (error: unknown) => {
      if (this.host.hasEnded) promise.catch(() => {});
      reject(error);
    });
    return promise;
  }

  /** Switches a built-in feature of the guest on. */
  async install<Name extends FeatureName>(
    feature: Name,
    ...config: undefined extends FeatureConfigs[Name] ? [] : [config: FeatureConfigs[Name]]
  ): Promise<void> {
    await this.host.enterChecked(FRAMES.feature_install, feature, config[0]);
  }
}

const MODES: readonly unknown[] = ["async", "sync", "blocking"] satisfies BindingConfig["mode"][];
const EFFECTS: readonly unknown[] = ["none", "keyed", "once"] satisfies CallEffect[];

function checkEffect(name: string, effect: unknown): void {
  if (!EFFECTS.includes(effect)) throw undefinable(name, 'its effect must be "none", "keyed" or "once"');
}

function undefinable(name: unknown, why: string): GeppettoError {
  return new GeppettoError("ConfigError", `Cannot define "${String(name)}" in the guest: ${why}`);
}

/** The step with what crosses converted on its way in and out. */
function convertedSource<I, O>(
  name: string,
  source: StepSource<I, O>,
  { input, output }: StepBindingOptions<I, O>,
): StepSource {
  const converted: StepSource = {
    info: source.info,
    async *run(raw, context) {
      const given = input === undefined ? (raw as I) : validated(input, raw, `the input of "${name}"`);
      for await (const result of source.run(given, context)) {
        yield output === undefined ? result : validated(output, result, `a result of "${name}"`);
      }
    },
  };
  if (source.metaFor !== undefined) converted.metaFor = (given) => source.metaFor!(given);
  if (source.onEvent !== undefined) converted.onEvent = (event) => source.onEvent!(event);
  if (source.cacheKey !== undefined) converted.cacheKey = (given, key) => source.cacheKey!(given, key);
  return converted;
}
