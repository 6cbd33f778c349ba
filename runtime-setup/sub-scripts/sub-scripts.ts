import { currentCall } from "../../src/base/call-context.ts";
import { valuesFromOutside } from "../../src/base/calls/outside.ts";
import { landedValues, timeSource, type TimeSource } from "../../src/base/time/time-source.ts";
import type { Engine, SetupFunction } from "../../src/engine/engine.ts";
import { parseFields } from "../../src/engine/guest-messages.ts";
import { CodeReaders } from "../../src/modules/session/code-readers.ts";
import { encodeValue } from "../../src/shared/codec.ts";
import { decodeValue } from "../../src/shared/decode.ts";
import { GeppettoError, toErrorRecord } from "../../src/shared/errors.ts";
import type { Outcome } from "../../src/shared/frames.ts";
import { GuestFailure } from "../../src/steps/guest-failure.ts";
import type { StepContext, StepSource } from "../../src/steps/step.ts";
import { SubScript, type SubScriptMessage, type SubScriptOptions, type SubScriptOutcome } from "./sub-script.ts";
import { invalid, SubScriptCount, SubScriptShare } from "./sub-script-share.ts";

/** A script that is in no other may have sub-scripts, which may have some, which may have some. */
const MAX_DEPTH = 3;
const MAX_CODE_CHARS = 1_000_000;
const MAX_TOOLS = 100;
/** Processes that read code which wait for the next sub-script. */
const WAITING_READERS = 2;
const NAME = /^[A-Za-z_$][\w$]{0,63}$/;
const RESERVED: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype", "then"]);

/** The name under which a run calls a tool that its script passes on. */
const toolName = (name: string): string => `tool ${name}`;

/**
 * `runScript(code, { input, tools, signal, limits })` for scripts: code that runs in an engine of its own, which has the
 * language, the console, timers and what is passed on, and nothing else of the parent's. `depth` says in how many scripts
 * this one is, and `outer` counts for all of these.
 */
export function setupSubScripts({ depth = 0, outer }: { depth?: number; outer?: SubScriptCount } = {}): SetupFunction {
  return function subScripts(vm, engine) {
    const count = outer ?? new SubScriptCount(engine.limits.subScripts);
    const share = new SubScriptShare(engine.limits, count);
    const living = new Set<SubScript>();
    const readers = new CodeReaders(WAITING_READERS);
    vm.host.onReset(() => {
      share.reset();
      if (outer === undefined) count.reset();
    });
    engine.onClose(async () => {
      await Promise.all([...living].map((script) => script.close()));
      readers.close();
    });
    vm.host.registerStep("sub-script", createSource(engine, { depth, count, share, living, readers }));
    vm.host.later(vm.install("subScripts"));
  };
}

interface Family {
  depth: number;
  count: SubScriptCount;
  share: SubScriptShare;
  living: Set<SubScript>;
  readers: CodeReaders;
}

function createSource(engine: Engine, { depth, count, share, living, readers }: Family): StepSource {
  return {
    info: { type: "sub-script", inputType: "string", outputType: "any", kind: "text" },
    async *run(given, context) {
      const asked = readAsked(given);
      if (depth >= MAX_DEPTH) {
        throw new GeppettoError(
          "LimitError",
          `Cannot run the sub-script: it would be the ${depth + 1}th within another, and ${MAX_DEPTH} are the most`,
          { code: "ERR_LIMIT_SUB_SCRIPTS" },
        );
      }
      const time = timeSource();
      const place = time.place();
      let script: SubScript | undefined;
      // Not asked for where a record of it is played: then nothing runs.
      const open = (): AsyncIterable<SubScriptMessage> => {
        const { limits, giveBack } = share.take(asked.limits);
        script = new SubScript({
          ...asked,
          limits,
          readers,
          engine: kindOf(engine, time),
          setup: setupSubScripts({ depth: depth + 1, outer: count }),
          tenant: currentCall()?.tenant ?? "",
        });
        living.add(script);
        // A generator that waits hears of no return: whoever cancels the run ends the child.
        const ended = script;
        context.signal.addEventListener("abort", () => void ended.close(), { once: true });
        return landedValues(messagesOf(script, { giveBack, living, time }), context.signal, place);
      };
      const source = { name: "a sub-script", effect: "none", signal: context.signal } as const;
      let outcome: SubScriptOutcome | undefined;
      for await (const message of valuesFromOutside(source, open)) {
        if (message.type === "output") await context.publish({ type: "partial", delta: message.text });
        else if (message.type === "call") void callTool(message, context, (told) => script?.answer(message.id, told));
        else outcome = message.outcome;
      }
      context.signal.throwIfAborted();
      const { value, ...rest } = outcome!;
      yield value === undefined ? rest : { ...rest, value: decodeValue(value) };
    },
  };
}

async function* messagesOf(
  script: SubScript,
  { giveBack, living, time }: { giveBack: (cpuMs: number) => void; living: Set<SubScript>; time: TimeSource },
): AsyncGenerator<SubScriptMessage> {
  const messages = script.messages();
  try {
    for (;;) {
      // Tools are the parent's, and time may have to go on for them; for nothing else.
      while (time.isVirtual && script.waitsForTools) {
        await script.settled();
        if (script.waitsForTools) await time.parked(() => script.change());
      }
      const next = await messages.next();
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await messages.return();
    living.delete(script);
    giveBack(script.cpuMs);
  }
}

async function callTool(
  { name, args }: SubScriptMessage & { type: "call" },
  context: StepContext,
  answer: (outcome: Outcome) => void,
): Promise<void> {
  try {
    const value = await context.callGuest(toolName(name), decodeValue(args));
    // What cannot cross is an error of the call.
    encodeValue(value);
    answer({ ok: true, value });
  } catch (error) {
    answer({ ok: false, error: error instanceof GuestFailure ? error.record : toErrorRecord(error) });
  }
}

/**
 * An engine of the same kind, but always in a process of its own: the parent may be trusted where its sub-scripts are not.
 * Where time is virtual its time begins at the parent's, and its seed is from there.
 */
function kindOf(engine: Engine, time: TimeSource): SubScriptOptions["engine"] {
  const kind = { isolation: "process", ...engine.kind } as const;
  if (!time.isVirtual) return kind;
  const now = new Date(time.now()).toISOString();
  return {
    ...kind,
    deterministic: { seed: Math.floor(time.random() * 2 ** 31), now, timeZone: kind.timeZone },
  };
}

function readAsked(given: unknown): Pick<SubScriptOptions, "code" | "input" | "tools" | "name"> & { limits: unknown } {
  const { code, input, tools = [], limits, name = "sub-script.js" } = parseFields(given);
  if (typeof code !== "string") throw invalid("code must be a text");
  if (code.length > MAX_CODE_CHARS) throw invalid(`its code has more than ${MAX_CODE_CHARS} characters`);
  if (typeof name !== "string" || !/^[\w.-]{1,64}$/.test(name)) {
    throw invalid("name must have letters, digits, dots, _ and -, at most 64");
  }
  if (!Array.isArray(tools) || tools.length > MAX_TOOLS) throw invalid(`at most ${MAX_TOOLS} tools can be passed on`);
  for (const tool of tools as unknown[]) {
    if (typeof tool === "string" && NAME.test(tool) && !RESERVED.has(tool)) continue;
    throw invalid(`tools.${String(tool).slice(0, 100)} is not a name that code can call`);
  }
  return {
    code,
    name,
    tools: tools as string[],
    limits,
    ...(input === undefined ? {} : { input: typeof input === "string" ? input : JSON.stringify(input) }),
  };
}
