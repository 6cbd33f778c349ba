/** A real isolate with the guest's web platform and console, and a stub bridge that answers their ops. */
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import ivm from "isolated-vm";
import { setupWeb } from "../../runtime-setup/web.ts";
import type { Engine, SetupFunction } from "../../src/engine/engine.ts";
import { FRAMES } from "../../src/shared/contract/frame-kinds.ts";
import type { Op } from "../../src/shared/contract/op.ts";

const guestFolder = fileURLToPath(new URL("../../runtime-setup/guest/", import.meta.url));

const ENTRY = `
import { startKernel } from "./core/kernel.ts";
import { installConsole } from "./core/console.ts";
import { formatValue } from "./core/inspect.ts";
import { installFetch } from "./fetch/fetch.ts";
import { installTimers } from "./core/timers.ts";
import { installWeb } from "./core/web.ts";
import { randomUUID } from "./web/crypto.ts";
import * as abort from "./web/abort.ts";
export function start(call, colors) {
  const kernel = startKernel({ call, callBlocking: () => ({ text: "" }), note: (frame) => void call(frame) }, () => {});
  installTimers();
  installWeb();
  installFetch({ secrets: {} });
  installConsole({ colors });
  return { deliver: kernel.deliver, internals: { abort, formatValue, randomUUID } };
}
`;

/** Time for one turn: only one that hangs needs it. */
const TURN_MS = 100_000;

let bundle: Promise<string> | undefined;

async function bundleGuest(): Promise<string> {
  const result = await build({
    stdin: { contents: ENTRY, resolveDir: guestFolder, loader: "ts" },
    bundle: true,
    write: false,
    format: "iife",
    globalName: "runtime",
    platform: "neutral",
    target: "es2024",
    minifySyntax: true,
    minifyWhitespace: true,
  });
  return result.outputFiles[0]!.text;
}

export interface GuestOutput {
  stdout: string;
  stderr: string;
  /** What was reported as uncaught, one message each. */
  uncaught: string[];
  /** How many calls of each op the guest made. */
  calls: Record<string, number>;
}

export interface Guest {
  /** Runs a classic script and gives its completion value as a string; a promise is awaited. Throws what it throws. */
  run(code: string): Promise<string>;
  output: GuestOutput;
  close(): void;
}

/** The host half of the web platform. */
function webOps(): Record<string, (args: never) => unknown> {
  const ops: Record<string, (args: never) => unknown> = {};
  const host = {
    setOp: ({ name }: Op, handler: (args: never) => unknown) => void (ops[name] = handler),
    later: () => {},
  };
  const vm = { host, install: () => Promise.resolve() } as unknown as Parameters<SetupFunction>[0];
  void setupWeb()(vm, undefined as unknown as Engine);
  return ops;
}

export interface GuestOptions {
  colors?: { stdout: boolean; stderr: boolean };
  /** The guest's own functions become the global `internals`, for tests of what other guest code uses. */
  exposeInternals?: boolean;
}

/** A started guest. Close it when the test is over. */
export async function createGuest(options: GuestOptions = {}): Promise<Guest> {
  const colors = options.colors ?? { stdout: false, stderr: false };
  const code = await (bundle ??= bundleGuest());
  const isolate = new ivm.Isolate({ memoryLimit: 128 });
  const context = await isolate.createContext();
  const output: GuestOutput = { stdout: "", stderr: "", uncaught: [], calls: {} };
  const timers = new Map<number, NodeJS.Timeout>();
  let deliver: ivm.Reference | undefined;
  const fire = (id: number): void => {
    void deliver?.apply(undefined, [JSON.stringify([1, FRAMES.timer_fire.name, id])]).catch(() => {});
  };
  const ops: Record<string, (args: never) => unknown> = {
    console_write: ({ stream, text }: { stream: "stdout" | "stderr"; text: string }) => {
      output[stream] += text;
    },
    ...webOps(),
    error_report: ({ message }: { message: string }) => {
      output.uncaught.push(message);
    },
    timer_start: ({ id, ms, kind }: { id: number; ms: number; kind: string }) => {
      timers.set(id, kind === "interval" ? setInterval(fire, ms, id) : setTimeout(fire, ms, id));
    },
    timer_clear: ({ id }: { id: number }) => clearTimeout(timers.get(id)),
  };
  const call = (frame: string): string => {
    // What these ops take and give is plain JSON.
    const [, op, args] = JSON.parse(frame) as [number, string, never];
    output.calls[op] = (output.calls[op] ?? 0) + 1;
    const answer = ops[op];
    if (answer === undefined) throw new Error(`no op "${op}"`);
    return JSON.stringify({ ok: true, value: answer(args) ?? null });
  };
  const script = await isolate.compileScript(code, { filename: "geppetto:runtime" });
  await script.run(context);
  deliver = await context.evalClosure(
    `const kernel = runtime.start($0, $1);
     delete globalThis.runtime;
     ${options.exposeInternals === true ? "globalThis.internals = kernel.internals;" : ""}
     return kernel.deliver;`,
    [new ivm.Callback(call), new ivm.ExternalCopy(colors).copyInto()],
    { result: { reference: true }, filename: "geppetto:runtime" },
  );
  const stringOf = await isolate.compileScript("((toText) => async (value) => toText(await value))(String)", {
    filename: "geppetto:runtime",
  });
  const toText = await stringOf.run(context, { reference: true });
  return {
    output,
    async run(source) {
      const compiled = await isolate.compileScript(source, { filename: "file:///script.js" });
      const value = await compiled.run(context, { reference: true, timeout: TURN_MS });
      return (await toText.apply(undefined, [value.derefInto()], {
        result: { promise: true },
        timeout: TURN_MS,
      })) as string;
    },
    close() {
      for (const timer of timers.values()) clearTimeout(timer);
      isolate.dispose();
    },
  };
}
