import { AsyncLocalStorage } from "node:async_hooks";
import { callBack } from "../../base/calls/call-back.ts";
import { createDeferred } from "../../base/deferred.ts";
import { Drain, type CloseOptions } from "../../base/drain.ts";
import { GeppettoError } from "../../shared/errors.ts";
import { closedError, realmError, spentError } from "../engine-errors.ts";
import type { EngineLimits } from "../limits.ts";
import { refuseWrong } from "../../shared/wrong-option.ts";
import type { LossKind, RealmSession } from "../realm-session.ts";
import type { Started } from "../setup/vm-host.ts";
import type { FeatureListeners } from "./feature-listeners.ts";
import type { Occupants } from "./occupants.ts";

/** How long a turn may go on when its script is over, in milliseconds; then its realm ends, and the engine with it. */
const LAST_TURN_MS = 1000;

/** The engine whose end calls what was registered for that. */
const ending = new AsyncLocalStorage<EngineLife>();

/** How long an engine takes code: until its host closes it, or its guest is of no more use. Ends all that is in it. */
export class EngineLife {
  readonly #limits: EngineLimits;
  readonly #occupants: Occupants;
  readonly #features: FeatureListeners;
  readonly #closeListeners: (() => void | Promise<void>)[] = [];
  /** Rejects when the engine is closed: a setup function that hangs does not hold that up. */
  readonly #closed = createDeferred<never>();
  readonly #drain: Drain = new Drain(() => this.#timeIsUp());
  /** Resolved when what runs may go on no longer, though the engine is closed for new. */
  readonly #aborted = createDeferred();
  #spent: GeppettoError | undefined;
  /** The host has closed it: it takes nothing new. */
  #closing: Promise<void> | undefined;
  /** Everything in it is being ended. */
  #ending: Promise<void> | undefined;
  /** All of it has ended. */
  #released = false;

  constructor(limits: EngineLimits, occupants: Occupants, features: FeatureListeners) {
    this.#limits = limits;
    this.#occupants = occupants;
    this.#features = features;
    this.#closed.promise.catch(() => {});
  }

  /** Why no more code can run in the guest, where that is the guest's doing or its realm was lost. */
  get spent(): GeppettoError | undefined {
    return this.#spent;
  }

  get isClosing(): boolean {
    return this.#closing !== undefined;
  }

  get isEnding(): boolean {
    return this.#closing !== undefined || this.#ending !== undefined;
  }

  /** Rejects when the engine is closed. */
  get closed(): Promise<never> {
    return this.#closed.promise;
  }

  /**
   * What code runs on.
   *
   * @throws {GeppettoError} why none can run: ConfigError where the engine has not started.
   */
  running(): Started {
    if (this.#closing !== undefined) throw closedError();
    if (this.#spent !== undefined) throw this.#spent;
    const { started } = this.#occupants;
    if (started !== undefined) return started;
    throw new GeppettoError("ConfigError", "Cannot run code: the engine has not started; await engine.start() first");
  }

  /** Counts something as under way until it is settled. Gives it back. */
  track<T>(work: Promise<T>): Promise<T> {
    return this.#drain.track(work);
  }

  /** Registers what to end with the engine, last in, first out; at once where it has ended. Returns what takes that back. */
  onClose(end: () => void | Promise<void>): () => void {
    if (this.#released) callBack(end);
    else this.#closeListeners.unshift(end);
    return () => {
      const at = this.#closeListeners.indexOf(end);
      if (at >= 0) this.#closeListeners.splice(at, 1);
    };
  }

  /** The guest is of no more use, for the first reason that is given. */
  spend(why: GeppettoError): void {
    this.#spent ??= why;
  }

  /** Some turn got no answer. */
  lost(kind: LossKind, stack?: string): void {
    if (this.#ending !== undefined) return;
    if (kind !== "timeout" || this.#occupants.started?.loop.disposed === true)
      this.#spent ??= realmError(kind, this.#limits);
    this.#occupants.lost(kind, stack, this.#spent);
    if (this.#spent !== undefined) this.#aborted.resolve();
  }

  /** The guest has ended itself, and the script with it where it is the script's wish. */
  exit(code: number, isOfScript: boolean): void {
    const { started, session } = this.#occupants;
    if (isOfScript) started?.runner.exit(code);
    // The guest waits in an endless loop to be ended: its realm is spent.
    this.#spent ??= spentError(`its guest has called process.exit(${code})`);
    session?.exit(code, this.#spent);
    // Whoever closes the engine is told what fails in it.
    this.end().catch(() => {});
  }

  /** After a script nothing of it is left. A turn that does not end, or was cut short, takes the realm with it. */
  async cleanUp(loop: RealmSession, mayGoOn: boolean): Promise<void> {
    if (loop.disposed || this.#ending !== undefined || mayGoOn) {
      this.spend(spentError("its guest was ended in the middle of a turn"));
      return this.end();
    }
    const timer = setTimeout(() => {
      if (!loop.busy) return;
      this.spend(spentError("its guest went on when its script was over"));
      void this.end();
    }, LAST_TURN_MS);
    await loop.reset({ scriptBegins: false });
    clearTimeout(timer);
    if (loop.disposed) await this.end();
  }

  /** The host closes it, at once or when what is under way has come to its end. */
  close(options: CloseOptions): Promise<void> {
    // Its end waits for what asks for it: nobody would get on.
    if (ending.getStore() === this) return Promise.resolve();
    const { drainMs } = options;
    try {
      refuseWrong("close the engine", options, { drainMs: "pause" });
      if (drainMs === undefined) this.#closing ??= this.end();
      this.#drain.allow(drainMs === undefined ? 0 : drainMs);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#closing ??= this.#endDrained();
    return this.#closing;
  }

  /** Ends everything in it, at once. Idempotent. */
  end(): Promise<void> {
    this.#drain.close();
    this.#ending ??= this.#release();
    return this.#ending;
  }

  /** What still runs although the engine was closed some time ago is aborted. */
  #timeIsUp(): void {
    this.#occupants.abort();
    this.#aborted.resolve();
  }

  async #endDrained(): Promise<void> {
    await Promise.race([this.#drained(), this.#aborted.promise]);
    await this.end();
  }

  /** Resolves when nothing is under way: no script, no call of `runOnLoop`, and nothing that such a call has begun. */
  async #drained(): Promise<void> {
    await this.#drain.ended();
    await this.#occupants.started?.loop.ledger.without("turn", "run", "op");
  }

  async #release(): Promise<void> {
    const reason = this.#spent ?? closedError();
    this.#closed.reject(reason);
    this.#occupants.evict(reason);
    this.#features.reset();
    await this.#occupants.started?.loop.close(reason);
    let failure: { error: unknown } | undefined;
    // One that ends may take another back, or register a further one.
    for (let end; (end = this.#closeListeners.shift()) !== undefined;) {
      try {
        await ending.run(this, end);
      } catch (error) {
        // The others end all the same.
        failure ??= { error };
      }
    }
    this.#released = true;
    if (failure !== undefined) throw failure.error;
  }
}
