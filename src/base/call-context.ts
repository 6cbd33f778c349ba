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

/** Who has a signal to give, and makes it when somebody asks. */
interface WithSignal {
  readonly signal: AbortSignal;
}

/** A call with a signal of its own. The context is made when somebody asks for it: most calls do not. */
class SignalledCall {
  readonly #outer: CallContext | SignalledCall | undefined;
  readonly #source: WithSignal;
  #context: CallContext | undefined;

  constructor(outer: CallContext | SignalledCall | undefined, source: WithSignal) {
    this.#outer = outer;
    this.#source = source;
  }

  get context(): CallContext {
    this.#context ??= withSignalOf(contextOf(this.#outer) ?? NOBODY, this.#source);
    return this.#context;
  }
}

const storage = new AsyncLocalStorage<CallContext | SignalledCall>();
const NOBODY: CallContext = { tenant: "", runId: "", context: undefined, signal: new AbortController().signal };

/**
 * The call that is being served: in ops, steps, tools, approvals, sinks, permission hooks, and in all that they call.
 * Undefined outside of them.
 */
export function currentCall<Context = unknown>(): CallContext<Context> | undefined {
  return contextOf(storage.getStore()) as CallContext<Context> | undefined;
}

function contextOf(call: CallContext | SignalledCall | undefined): CallContext | undefined {
  return call instanceof SignalledCall ? call.context : call;
}

/** A call for the same one. The signal is made when somebody asks for it. */
function withSignalOf({ tenant, runId, context, idempotencyKey }: CallContext, source: WithSignal): CallContext {
  return {
    tenant,
    runId,
    context,
    get signal() {
      return source.signal;
    },
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  };
}

/** The current call, with a signal of its own where one is given; one of nobody's where there is none. */
export function callWith<Context = unknown>(signal?: AbortSignal): CallContext<Context> {
  const call = currentCall() ?? NOBODY;
  return (signal === undefined ? call : withSignalOf(call, { signal })) as CallContext<Context>;
}

/** Runs a function, and all that it starts, as a call with a signal of its own. */
export function withCallSignal<T>(source: WithSignal, fn: () => T): T {
  return storage.run(new SignalledCall(storage.getStore(), source), fn);
}

/** Runs a function, and all that it starts, as a call that has this key each time that it is made. */
export function withIdempotencyKey<T>(idempotencyKey: string, fn: () => T): T {
  const call = currentCall() ?? NOBODY;
  const { tenant, runId, context } = call;
  const keyed: CallContext = {
    tenant,
    runId,
    context,
    get signal() {
      return call.signal;
    },
    idempotencyKey,
  };
  return storage.run(keyed, fn);
}

/** Has functions run for one script: with its call, in the asynchronous context of whoever asked for it. */
export class CallScope {
  readonly call: CallContext;
  readonly #run: <T>(fn: () => T) => T;

  /** In the asynchronous context that functions are to run in. */
  constructor(call: CallContext) {
    this.call = call;
    // With the call in it: each context that is entered costs a copy of those around it.
    this.#run = storage.run(call, () => AsyncLocalStorage.snapshot());
  }

  run<T>(fn: () => T): T {
    return this.#run(fn);
  }
}
