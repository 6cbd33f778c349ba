import { AsyncLocalStorage } from "node:async_hooks";

/** Whose call it is: what everything of the host's gets that works for a script. */
export interface CallContext<Context = unknown> {
  /** Whose script it is; "" where nobody said so. */
  tenant: string;
  /** The execution of the script; "" where there is none, as in `runOnLoop`. */
  runId: string;
  /** What the host gave with the script, the very object. */
  context: Context;
  /** Aborted when nobody waits for the call any more: it was given up, its script has ended, its engine is closed. */
  signal: AbortSignal;
  /** The same each time that one call is made again; only where calls can be. */
  idempotencyKey?: string;
}

const storage = new AsyncLocalStorage<CallContext>();
const NOBODY: CallContext = { tenant: "", runId: "", context: undefined, signal: new AbortController().signal };

/**
 * The call that is being served: in ops, steps, tools, approvals, sinks, permission hooks, and in all that they call.
 * Undefined outside of them.
 */
export function currentCall<Context = unknown>(): CallContext<Context> | undefined {
  return storage.getStore() as CallContext<Context> | undefined;
}

/** A call for the same one as the current call, or for nobody. The signal is made when somebody asks for it. */
function callFor(signalOf: () => AbortSignal): CallContext {
  const { tenant, runId, context, idempotencyKey } = storage.getStore() ?? NOBODY;
  return {
    tenant,
    runId,
    context,
    get signal() {
      return signalOf();
    },
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  };
}

/** The current call, with a signal of its own where one is given; one of nobody's where there is none. */
export function callWith<Context = unknown>(signal?: AbortSignal): CallContext<Context> {
  const call = signal === undefined ? (storage.getStore() ?? NOBODY) : callFor(() => signal);
  return call as CallContext<Context>;
}

/** Runs a function, and all that it starts, as a call with a signal of its own. */
export function withCallSignal<T>(signalOf: () => AbortSignal, fn: () => T): T {
  return storage.run(callFor(signalOf), fn);
}

/** Has functions run for one script: with its call, in the asynchronous context of whoever asked for it. */
export class CallScope {
  readonly call: CallContext;
  readonly #run: <T>(fn: () => T) => T;

  /** In the asynchronous context that functions are to run in. */
  constructor(call: CallContext) {
    this.call = call;
    const inContext = AsyncLocalStorage.snapshot();
    this.#run = (fn) => inContext(() => storage.run(call, fn));
  }

  run<T>(fn: () => T): T {
    return this.#run(fn);
  }
}
