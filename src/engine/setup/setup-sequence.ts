import { GeppettoError } from "../../shared/errors.ts";
import type { Vm } from "../vm.ts";

/** The setup functions of an engine: run one after the other when it starts, and at once from then on. */
export class SetupSequence<Host> {
  readonly #setups: ((vm: Vm, host: Host) => void | Promise<void>)[];
  /** The function that runs, by name, and what such functions have sent and not waited for. */
  #running = "";
  readonly #entering: { by: string; entered: Promise<void> }[] = [];
  #vm: Vm | undefined;
  #hasBegun = false;

  /** @param builtIns those that run first */
  constructor(builtIns: readonly ((vm: Vm, host: Host) => void | Promise<void>)[]) {
    this.#setups = [...builtIns];
  }

  /**
   * Adds a function that runs when the engine starts.
   *
   * @throws {TypeError} for what is not a function; {GeppettoError} ConfigError when the engine has started.
   */
  add(setup: (vm: Vm, host: Host) => void | Promise<void>): void {
    if (typeof setup !== "function") {
      throw new TypeError(`Cannot add a setup function: expected a function, not ${typeof setup}`);
    }
    if (this.#hasBegun) throw new GeppettoError("ConfigError", "Cannot add a setup function: the engine has started");
    this.#setups.push(setup);
  }

  /** Nothing is added any more: the engine starts. */
  begin(): void {
    this.#hasBegun = true;
  }

  /** Runs it at once where the guest is there already, else with the others. */
  async addOrRun(setup: (vm: Vm, host: Host) => void | Promise<void>, host: Host): Promise<void> {
    if (this.#vm === undefined) this.#setups.push(setup);
    else {
      await setup(this.#vm, host);
      await Promise.all(this.#entering.splice(0).map(({ entered }) => entered));
    }
  }

  /** What has been sent is waited for when all have run. */
  later(entered: Promise<void>): void {
    // The engine may be closed before anybody waits for it.
    entered.catch(() => {});
    this.#entering.push({ by: this.#running, entered });
  }

  /**
   * Runs all.
   *
   * @param unlessFailed runs the work of a function of this name, and ends the engine where that fails
   */
  async run(
    vm: Vm,
    host: Host,
    unlessFailed: (setup: string, work: () => void | Promise<void>) => Promise<void>,
  ): Promise<void> {
    this.#vm = vm;
    for (const setup of this.#setups) {
      this.#running = setup.name;
      await unlessFailed(setup.name, () => setup(vm, host));
    }
    for (const { by, entered } of this.#entering.splice(0)) await unlessFailed(by, () => entered);
  }
}
