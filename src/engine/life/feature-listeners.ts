import type { ScriptContext } from "../../shared/contract/frame-kinds.ts";

/** What the host's half of features hears of what runs in the guest. */
export class FeatureListeners {
  readonly #begin = new Set<(context: ScriptContext) => Promise<void>>();
  readonly #reset = new Set<() => void>();
  readonly #sessionRun = new Set<() => void>();

  /** Told before each script; the listener enters what its feature's guest half needs. */
  onScriptBegin(listener: (context: ScriptContext) => Promise<void>): void {
    this.#begin.add(listener);
  }

  onReset(listener: () => void): void {
    this.#reset.add(listener);
  }

  /** Told before each run of a session. */
  onSessionRun(listener: () => void): void {
    this.#sessionRun.add(listener);
  }

  /** Gives the guest what a script finds there. */
  async begin(context: ScriptContext): Promise<void> {
    for (const listener of this.#begin) await listener(context);
  }

  /** Ends what they have under way. */
  reset(): void {
    for (const listener of this.#reset) listener();
  }

  /** A run of a session begins. */
  sessionRuns(): void {
    for (const listener of this.#sessionRun) listener();
  }
}
