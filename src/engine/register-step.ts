import type { Converter } from "../steps/converter.ts";
import type { Step, StepSource } from "../steps/step.ts";
import type { Engine } from "./engine.ts";
import { StepObject, type StepBindingOptions } from "./step-object.ts";
import type { Vm } from "./vm.ts";

/**
 * Makes what gives a step to the guest of an engine, with converters (zod schemas or functions) for what a script
 * passes and gets. In a setup function; {@link registerStep} does all of it in one call.
 *
 * @example
 * engine.addSetupFunction(async function shout(vm, engine) {
 *   const toObject = createWatermillStepObject(engine, shoutStep, z.string(), (text) => `${text}!`);
 *   await vm.set("shout", toObject(vm));
 * });
 */
export function createWatermillStepObject<I, O>(
  _engine: Engine,
  step: Step<I, O> | StepSource<I, O>,
  input?: Converter<I>,
  output?: Converter<unknown, O>,
): (vm: Vm) => StepObject<I, O> {
  return () => new StepObject(step, bindingOptions(input, output));
}

/**
 * Gives scripts of an engine a step under a global name: at once where the engine has started, else when it starts.
 * Converters are zod schemas or functions.
 *
 * @throws {GeppettoError} ConfigError where the name is taken or no identifier (of `start()`, where the engine has not
 *   started yet).
 */
export async function registerStep<I, O>(
  engine: Engine,
  name: string,
  step: Step<I, O> | StepSource<I, O>,
  input?: Converter<I>,
  output?: Converter<unknown, O>,
): Promise<void> {
  await engine.setUp((vm) => vm.registerStep(name, step, bindingOptions(input, output)));
}

function bindingOptions<I, O>(
  input: Converter<I> | undefined,
  output: Converter<unknown, O> | undefined,
): StepBindingOptions<I, O> {
  return { ...(input === undefined ? {} : { input }), ...(output === undefined ? {} : { output }) };
}
