import { callWith, type CallContext } from "../../src/base/call-context.ts";
import { askOutside } from "../../src/base/calls/outside.ts";
import type { Engine, SetupFunction } from "../../src/engine/engine.ts";
import { parseFields } from "../../src/engine/guest-messages.ts";
import type { KeyValueStore } from "../../src/journal/executions/journal.ts";
import { MemoryJournal } from "../../src/journal/executions/memory-journal.ts";
import { OPS } from "../../src/shared/contract/ops.ts";
import { GeppettoError } from "../../src/shared/errors.ts";

/** Where values of scripts are kept: the same for all, or by whose call it is. */
export type StoreSource = KeyValueStore | ((call: CallContext) => KeyValueStore);

/** Serves the store of one engine's scripts. */
class StoreServer {
  readonly #engine: Engine;
  readonly #source: StoreSource | undefined;
  /** Keeps values as long as the engine lives. */
  #memory: MemoryJournal | undefined;
  /** Of the script that runs. */
  #script = "";
  #last: Promise<unknown> = Promise.resolve();

  constructor(engine: Engine, source: StoreSource | undefined) {
    this.#engine = engine;
    this.#source = source;
  }

  begin(script: string): void {
    this.#script = script;
  }

  /** The script is over: the next one does not wait for what it has left. */
  reset(): void {
    this.#last = Promise.resolve();
  }

  async close(): Promise<void> {
    await this.#memory?.close();
  }

  /** In the order in which they were called, also after a crash: what waits for an earlier call has not begun. */
  inTurn<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(() => {
      signal.throwIfAborted();
      return work();
    });
    this.#last = done.catch(() => {});
    return done;
  }

  get(key: string, signal: AbortSignal): Promise<{ value?: unknown }> {
    const asked = { name: "store.get", effect: "none", signal } as const;
    return askOutside(asked, async () => ({ value: await this.#store(signal).get(key) }));
  }

  set(key: string, value: unknown, signal: AbortSignal): Promise<void> {
    const asked = { name: "store.set", effect: "keyed", args: [key, value], signal } as const;
    return askOutside(asked, () => this.#store(signal).set(key, value));
  }

  /** Whether there was one is asked by itself: after a crash there may be none any more. */
  async delete(key: string, signal: AbortSignal): Promise<boolean> {
    const looked = { name: "store.list", effect: "none", signal } as const;
    const isThere = await askOutside(looked, async () => (await this.#store(signal).list(key)).includes(key));
    const asked = { name: "store.delete", effect: "keyed", args: [key], signal } as const;
    await askOutside(asked, () => this.#store(signal).delete(key));
    return isThere;
  }

  list(prefix: string, signal: AbortSignal): Promise<string[]> {
    const asked = { name: "store.list", effect: "none", signal } as const;
    return askOutside(asked, () => this.#store(signal).list(prefix));
  }

  #store(signal: AbortSignal): KeyValueStore {
    const call = callWith(signal);
    if (this.#source !== undefined) return typeof this.#source === "function" ? this.#source(call) : this.#source;
    const { execution } = this.#engine;
    if (execution !== undefined) return execution.journal.store(JSON.stringify([this.#script, call.tenant]));
    return (this.#memory ??= new MemoryJournal()).store(JSON.stringify(["", call.tenant]));
  }
}

/**
 * `store`: values that scripts keep by key.
 *
 * @param source default the journal of an execution that lasts, by its script's name and tenant; else the engine, by tenant
 */
export function setupStore(source?: StoreSource): SetupFunction {
  return function keyValueStore(vm, engine) {
    const server = new StoreServer(engine, source);
    vm.host.setOp(OPS.store_get, (args, { signal }) => {
      const key = parseText(parseFields(args).key);
      return server.inTurn(signal, () => server.get(key, signal));
    });
    vm.host.setOp(OPS.store_set, (args, { signal }) => {
      const { key, value } = parseFields(args);
      const text = parseText(key);
      return server.inTurn(signal, () => server.set(text, value, signal));
    });
    vm.host.setOp(OPS.store_delete, (args, { signal }) => {
      const key = parseText(parseFields(args).key);
      return server.inTurn(signal, () => server.delete(key, signal));
    });
    vm.host.setOp(OPS.store_list, (args, { signal }) => {
      const prefix = parseText(parseFields(args).prefix);
      return server.inTurn(signal, () => server.list(prefix, signal));
    });
    vm.host.onScriptBegin(async ({ argv }) => server.begin(argv[1] ?? ""));
    vm.host.onReset(() => server.reset());
    engine.onClose(() => server.close());
    vm.host.later(vm.install("store"));
  };
}

function parseText(value: unknown): string {
  if (typeof value === "string") return value;
  throw new GeppettoError("ValidationError", "Cannot use the store: a key must be a text");
}
