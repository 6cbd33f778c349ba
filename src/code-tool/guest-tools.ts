import { accepted } from "../../runtime-setup/tools.ts";
import { abortable } from "../base/abortable.ts";
import type { CallContext } from "../base/call-context.ts";
import type { SetupFunction } from "../engine/engine.ts";
import { compileJsonSchema, type JsonSchemaCheck } from "../providers/schema/json-schema.ts";
import { GeppettoError, toErrorRecord } from "../shared/errors.ts";
import { MAX_TIMER_MS } from "../shared/limits.ts";
import type { ApproveCall } from "../steps/chat-tools.ts";
import type { CurrentRun } from "./current-run.ts";
import type { CatalogueEntry, ToolCatalogue } from "./tool-catalogue.ts";

const TIMEOUT_MS = 60_000;
/** Most functions that are described at a time. */
const MAX_DESCRIBED = 100;

export interface GuestToolsOptions {
  catalogue: ToolCatalogue;
  /** The run that goes on; undefined between runs. */
  current: () => CurrentRun | undefined;
  onApprove?: ApproveCall | undefined;
}

/** Gives scripts `tools`, `searchTools` and `describeTool`. Each call is counted, checked, approved and told of. */
export function setupGuestTools({ catalogue, current, onApprove }: GuestToolsOptions): SetupFunction {
  return async function codeTools(vm) {
    const checks = await checksOf(catalogue);
    const given = [...catalogue.entries.values()].map((entry) => {
      const call = new ToolCall(entry, checks.get(entry.name)!, onApprove);
      return vm.op(
        `tools.${entry.name}`,
        (context: CallContext, ...args: unknown[]) => call.make(current(), args, context),
        { context: true },
      );
    });
    await Promise.all(given);
    if (catalogue.entries.size === 0) return;
    await vm.op("searchTools", async (words: unknown) => catalogue.search(String(words)));
    await vm.op("describeTool", async (name: unknown) =>
      Array.isArray(name)
        ? name.slice(0, MAX_DESCRIBED).map((one) => shortly(describe(catalogue, one)))
        : describe(catalogue, name),
    );
  };
}

const known = new WeakMap<ToolCatalogue, Promise<Map<string, JsonSchemaCheck>>>();

/** What holds inputs against their schemas: read once for all engines of a tool. */
function checksOf(catalogue: ToolCatalogue): Promise<Map<string, JsonSchemaCheck>> {
  let checks = known.get(catalogue);
  if (checks === undefined) {
    checks = readChecks(catalogue);
    known.set(catalogue, checks);
    // What the process that reads them could not do now it may do later.
    checks.catch(() => known.delete(catalogue));
  }
  return checks;
}

async function readChecks({ entries }: ToolCatalogue): Promise<Map<string, JsonSchemaCheck>> {
  const checks = [...entries.values()].map(async ({ name, input }) => {
    return [name, await compileJsonSchema(input, `the input schema of tools.${name}`)] as const;
  });
  return new Map(await Promise.all(checks));
}

function describe(catalogue: ToolCatalogue, name: unknown): NonNullable<ReturnType<ToolCatalogue["describe"]>> {
  const found = catalogue.describe(String(name));
  if (found !== undefined) return found;
  throw new GeppettoError(
    "ValidationError",
    `Cannot describe ${String(name).slice(0, 100)}: there is no such function`,
  );
}

function shortly({ declaration, description }: ReturnType<typeof describe>): string {
  return description === "" ? declaration : `${declaration} // ${description}`;
}

/** How one function is called. */
class ToolCall {
  readonly #entry: CatalogueEntry;
  readonly #check: JsonSchemaCheck;
  readonly #onApprove: ApproveCall | undefined;

  constructor(entry: CatalogueEntry, check: JsonSchemaCheck, onApprove: ApproveCall | undefined) {
    this.#entry = entry;
    this.#check = check;
    this.#onApprove = onApprove;
  }

  async make(run: CurrentRun | undefined, args: readonly unknown[], context: CallContext): Promise<unknown> {
    const { name } = this.#entry;
    if (run === undefined)
      throw new GeppettoError("AbortError", `Cannot call tools.${name}: the run of the code is over`, {
        code: "ERR_ABORTED",
      });
    const id = `call-${run.countToolCall()}`;
    const startedAt = performance.now();
    const input = args[0] ?? {};
    run.tell({ type: "tool-call", id, name, input: structuredClone(input) });
    const durationMs = (): number => Math.round(performance.now() - startedAt);
    try {
      const result = await this.#serve(run, id, args, context);
      run.tell({ type: "tool-result", id, name, result, durationMs: durationMs() });
      return result;
    } catch (error) {
      run.tell({ type: "tool-result", id, name, error: toErrorRecord(error).message, durationMs: durationMs() });
      throw error;
    }
  }

  async #serve(run: CurrentRun, id: string, args: readonly unknown[], context: CallContext): Promise<unknown> {
    const { name, tool, signature } = this.#entry;
    const { signal } = context;
    const input = (args[0] ?? {}) as Record<string, unknown>;
    const flaw = args.length > 1 ? "it takes one object" : await abortable(this.#check(input, "input", signal), signal);
    if (flaw !== undefined) {
      throw new GeppettoError("ValidationError", `Cannot call tools.${name}: ${flaw}; it is ${signature}`);
    }
    if (this.#onApprove !== undefined && !(await run.ask(() => this.#approved(id, input, context)))) {
      throw new GeppettoError("PermissionError", `Cannot call tools.${name}: the call was not approved`, {
        code: "ERR_PERMISSION",
      });
    }
    const { timeoutMs = TIMEOUT_MS } = tool;
    const late = AbortSignal.timeout(Math.min(timeoutMs, MAX_TIMER_MS));
    const ended = AbortSignal.any([signal, late]);
    try {
      const given = await accepted(tool.input, input);
      return toPlain(await abortable((async () => tool.run(given, { ...context, signal: ended }))(), ended));
    } catch (error) {
      if (!late.aborted || signal.aborted) throw error;
      throw new GeppettoError("TimeoutError", `tools.${name} did not answer within ${timeoutMs} ms`);
    }
  }

  async #approved(id: string, input: Record<string, unknown>, context: CallContext): Promise<boolean> {
    try {
      const asked = (async () =>
        this.#onApprove!({ id, name: this.#entry.name, input: structuredClone(input) }, context))();
      // A host app may give anything, such as an answer that says no: only a plain yes is one.
      const said: unknown = await abortable(asked, context.signal);
      return said === true;
    } catch (error) {
      context.signal.throwIfAborted();
      if (error instanceof GeppettoError) throw error;
      return false;
    }
  }
}

/** What of a host's value can cross: its JSON. */
function toPlain(value: unknown): unknown {
  const text = JSON.stringify(value);
  return text === undefined ? undefined : (JSON.parse(text) as unknown);
}
