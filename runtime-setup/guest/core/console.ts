/** The `console` of scripts. Formats as Node's does, never throws, and writes through the host. */
import {
  append,
  isArray,
  MathFloor,
  ObjectGetPrototypeOf,
  NumberToFixed,
  ObjectDefineProperty,
  SafeError,
  SafeMap,
  SafeNumber,
  SafePromise,
  SafeString,
  SafeSymbol,
  StringIndexOf,
  StringSlice,
} from "../../../src/shared/primordials.ts";
import { formatArguments, formatValue, inspect, withoutRuntimeFrames } from "./inspect.ts";
import { formatTable } from "../inspect/table.ts";
import type { ConsoleConfig } from "../../../src/shared/contract/features.ts";
import { OPS } from "../../../src/shared/contract/ops.ts";
import { isRevokedProxy } from "../inspect/brands.ts";
import { callNote, callSync, defineGlobal, onReset } from "./kernel.ts";

type Stream = "stdout" | "stderr";

/** Longest text of one call, in UTF-16 units. */
const MAX_CHARS = 1_000_000;
const MAX_LABELS = 10_000;
const GROUP_INDENT = "  ";
const MAX_GROUP_CHARS = 1000;

const PromisePrototype: unknown = SafePromise.prototype;

let colors: ConsoleConfig["colors"] = { stdout: false, stderr: false };

/** A value as `console.log` shows it: on a terminal with its colours. */
export function formatResult(value: unknown): string {
  return formatValue(value, { colors: colors.stdout });
}
let indent = "";
const counts = new SafeMap<string, number>();
const starts = new SafeMap<string, number>();

function indented(text: string): string {
  if (indent === "") return text;
  let out = indent;
  let start = 0;
  for (let end = StringIndexOf(text, "\n"); end !== -1; end = StringIndexOf(text, "\n", start)) {
    // Many short lines in a deep group are mostly indentation.
    if (out.length > MAX_CHARS) return `${out}\n... ${text.length - start} more characters`;
    out += StringSlice(text, start, end + 1) + indent;
    start = end + 1;
  }
  return out + StringSlice(text, start);
}

function cut(text: string): string {
  if (text.length <= MAX_CHARS) return text;
  return `${StringSlice(text, 0, MAX_CHARS)}\n... ${text.length - MAX_CHARS} more characters`;
}

function write(stream: Stream, text: string): void {
  try {
    callNote(OPS.console_write, { stream, text: `${indented(cut(text))}\n` });
  } catch {
    // A console that cannot write is silent: a script does not fail because of its log.
  }
}

function formatted(stream: Stream, args: readonly unknown[]): string {
  try {
    return formatArguments(args, { colors: colors[stream] });
  } catch {
    // The stack is all but used up.
    return "[Cannot format the arguments]";
  }
}

/** Has the host been told that a promise was printed? Once is enough. */
let hasShownPromise = false;

/** A promise shows nothing of its value: most likely the script has forgotten to await it. */
function notePromises(args: readonly unknown[]): void {
  for (let i = 0; i < args.length && !hasShownPromise; i++) {
    const value = args[i];
    if (typeof value !== "object" || value === null || isRevokedProxy(value)) continue;
    if (ObjectGetPrototypeOf(value) !== PromisePrototype) continue;
    hasShownPromise = true;
    callNote(OPS.console_promise, {});
  }
}

function print(stream: Stream, args: readonly unknown[]): void {
  try {
    notePromises(args);
  } catch {
    // A proxy that cannot be asked counts as no promise.
  }
  const only = args[0];
  if (args.length === 1 && typeof only === "string") write(stream, only);
  else write(stream, formatted(stream, args));
}

/** A label as text; a symbol or an object that refuses is shown as it would be logged. */
function labelText(label: unknown): string {
  if (label === undefined) return "default";
  try {
    return SafeString(label);
  } catch {
    return inspect(label);
  }
}

function now(): number {
  return callSync(OPS.clock_now, {});
}

function twoDigits(value: number | string): string {
  const text = SafeString(value);
  return StringIndexOf(text, ".") === 1 || text.length === 1 ? `0${text}` : text;
}

/** A duration in the form of console.timeEnd: `1.234ms`, `2.000s`, `1:05.250 (m:ss.mmm)`. */
function formatDuration(ms: number): string {
  if (ms < 1000) return `${SafeNumber(NumberToFixed(ms, 3))}ms`;
  const hours = MathFloor(ms / 3_600_000);
  const minutes = MathFloor((ms % 3_600_000) / 60_000);
  const seconds = (ms % 60_000) / 1000;
  if (hours === 0 && minutes === 0) return `${NumberToFixed(seconds, 3)}s`;
  const lead = hours === 0 ? minutes : `${hours}:${twoDigits(minutes)}`;
  return `${lead}:${twoDigits(NumberToFixed(seconds, 3))} (${hours === 0 ? "" : "h:m"}m:ss.mmm)`;
}

function warn(text: string): void {
  write("stderr", `Warning: ${text}`);
}

function logTime(operation: string, given: unknown, data: readonly unknown[]): boolean {
  const label = labelText(given);
  const start = starts.get(label);
  if (start === undefined) {
    warn(`No such label '${label}' for console.${operation}()`);
    return false;
  }
  const line: unknown[] = ["%s: %s", label, formatDuration(now() - start)];
  for (let i = 0; i < data.length; i++) append(line, data[i]);
  print("stdout", line);
  return true;
}

function openGroup(args: readonly unknown[]): void {
  if (args.length > 0) print("stdout", args);
  if (indent.length < MAX_GROUP_CHARS) indent += GROUP_INDENT;
}

const methods = {
  log: (...args: unknown[]): void => print("stdout", args),
  info: (...args: unknown[]): void => print("stdout", args),
  debug: (...args: unknown[]): void => print("stdout", args),
  warn: (...args: unknown[]): void => print("stderr", args),
  error: (...args: unknown[]): void => print("stderr", args),
  dir(value?: unknown, options?: unknown): void {
    const given = typeof options === "object" && options !== null ? options : undefined;
    let merged: object = { customInspect: false, colors: colors.stdout };
    try {
      merged = { ...merged, ...given };
    } catch {
      // Options that cannot be read are ignored.
    }
    write("stdout", inspect(value, merged));
  },
  table(data?: unknown, properties?: unknown): void {
    let text: string | undefined;
    try {
      text = formatTable(data, isArray(properties) ? properties : undefined, { colors: colors.stdout });
    } catch {
      text = undefined;
    }
    print("stdout", [text ?? data]);
  },
  group: (...args: unknown[]): void => openGroup(args),
  groupCollapsed: (...args: unknown[]): void => openGroup(args),
  groupEnd(): void {
    indent = StringSlice(indent, GROUP_INDENT.length);
  },
  time(given?: unknown): void {
    const label = labelText(given);
    if (starts.has(label)) warn(`Label '${label}' already exists for console.time()`);
    else if (starts.size < MAX_LABELS) starts.set(label, now());
  },
  timeEnd(given?: unknown): void {
    if (logTime("timeEnd", given, [])) starts.delete(labelText(given));
  },
  timeLog(given?: unknown, ...data: unknown[]): void {
    logTime("timeLog", given, data);
  },
  count(given?: unknown): void {
    const label = labelText(given);
    const count = (counts.get(label) ?? 0) + 1;
    if (count > 1 || counts.size < MAX_LABELS) counts.set(label, count);
    print("stdout", [`${label}: ${count}`]);
  },
  countReset(given?: unknown): void {
    const label = labelText(given);
    if (!counts.delete(label)) warn(`Count for '${label}' does not exist`);
  },
  assert(condition?: unknown, ...args: unknown[]): void {
    if (condition) return;
    const first = args[0];
    const shown: unknown[] = [typeof first === "string" ? `Assertion failed: ${first}` : "Assertion failed"];
    for (let i = typeof first === "string" ? 1 : 0; i < args.length; i++) append(shown, args[i]);
    print("stderr", shown);
  },
  /** Does nothing: the terminal is not the script's to clear. */
  clear: (): void => {},
  trace(...args: unknown[]): void {
    const message = formatted("stderr", args);
    const { stack } = new SafeError("trace");
    const full = typeof stack === "string" ? withoutRuntimeFrames(stack) : "";
    const frames = StringIndexOf(full, "\n");
    write("stderr", `Trace${message === "" ? "" : `: ${message}`}${frames === -1 ? "" : StringSlice(full, frames)}`);
  },
};

/** Defines `console`. Its methods are bound: `const { log } = console` works. */
export function installConsole(config: ConsoleConfig): void {
  colors = { stdout: config.colors.stdout, stderr: config.colors.stderr };
  const console = { ...methods, dirxml: methods.log };
  ObjectDefineProperty(console, SafeSymbol.toStringTag, { value: "console", configurable: true });
  defineGlobal("console", console);
  onReset(() => {
    hasShownPromise = false;
  });
}
