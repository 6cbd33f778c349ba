import { OPS } from "../../../src/shared/contract/ops.ts";
import {
  append,
  ObjectDefineProperty,
  SafeNumber,
  SafeSymbol,
  SafeTypeError,
} from "../../../src/shared/primordials.ts";
import { callSync, defineGlobal, onReset } from "../core/kernel.ts";
import { defineClass } from "./define-class.ts";
import { DOMException } from "./dom-exception.ts";
import { elapsedMs } from "./elapsed.ts";
import { EventTarget } from "./event-target.ts";
import { structuredClone } from "./structured-clone.ts";
import { toDomString } from "./web-strings.ts";

/** Most entries that are kept: the oldest go first. */
const MAX_ENTRIES = 10_000;

const CREATE = SafeSymbol("create");

interface EntryParts {
  name: string;
  entryType: "mark" | "measure";
  startTime: number;
  duration: number;
  detail: unknown;
}

let entries: PerformanceEntry[] = [];
let partsOf: (entry: PerformanceEntry) => EntryParts;

class PerformanceEntry {
  readonly #parts: EntryParts;

  constructor(mark?: unknown, parts?: EntryParts) {
    if (mark !== CREATE || parts === undefined) throw new SafeTypeError("Illegal constructor");
    this.#parts = parts;
  }

  get name(): string {
    return this.#parts.name;
  }
  get entryType(): string {
    return this.#parts.entryType;
  }
  get startTime(): number {
    return this.#parts.startTime;
  }
  get duration(): number {
    return this.#parts.duration;
  }
  toJSON(): object {
    const { name, entryType, startTime, duration } = this.#parts;
    return { name, entryType, startTime, duration };
  }

  static {
    partsOf = (entry) => entry.#parts;
  }
}

function detailOf(options: unknown): unknown {
  const { detail } = (options ?? {}) as { detail?: unknown };
  return detail === undefined || detail === null ? null : structuredClone(detail);
}

class PerformanceMark extends PerformanceEntry {
  constructor(name: string, options?: unknown) {
    if (arguments.length === 0) throw new SafeTypeError("Cannot create a mark: it needs a name");
    const { startTime } = (options ?? {}) as { startTime?: unknown };
    const time = startTime === undefined ? elapsedMs() : SafeNumber(startTime);
    if (!(time >= 0)) throw new SafeTypeError("Cannot create a mark: startTime must be a number, 0 or more");
    super(CREATE, {
      name: toDomString(name),
      entryType: "mark",
      startTime: time,
      duration: 0,
      detail: detailOf(options),
    });
  }
  get detail(): unknown {
    return partsOf(this).detail;
  }
  override toJSON(): object {
    const { name, entryType, startTime, duration, detail } = partsOf(this);
    return { name, entryType, startTime, duration, detail };
  }
}

class PerformanceMeasure extends PerformanceEntry {
  get detail(): unknown {
    return partsOf(this).detail;
  }
  override toJSON(): object {
    const { name, entryType, startTime, duration, detail } = partsOf(this);
    return { name, entryType, startTime, duration, detail };
  }
}

/** The time of the newest mark of this name, or the number itself. */
function timeOf(mark: unknown): number {
  if (typeof mark === "number") return mark;
  const name = toDomString(mark);
  for (let i = entries.length - 1; i >= 0; i--) {
    const { entryType, name: known, startTime } = partsOf(entries[i]!);
    if (entryType === "mark" && known === name) return startTime;
  }
  throw new DOMException(`The "${name}" performance mark has not been set`, "SyntaxError");
}

function keepEntry<T extends PerformanceEntry>(entry: T): T {
  const kept: PerformanceEntry[] = [];
  const { startTime } = partsOf(entry);
  let isPlaced = false;
  for (let i = entries.length < MAX_ENTRIES ? 0 : 1; i < entries.length; i++) {
    if (!isPlaced && partsOf(entries[i]!).startTime > startTime) {
      append(kept, entry);
      isPlaced = true;
    }
    append(kept, entries[i]!);
  }
  if (!isPlaced) append(kept, entry);
  entries = kept;
  return entry;
}

function select(type: string | undefined, name: string | undefined): PerformanceEntry[] {
  const found: PerformanceEntry[] = [];
  for (let i = 0; i < entries.length; i++) {
    const { entryType, name: known } = partsOf(entries[i]!);
    if ((type === undefined || entryType === type) && (name === undefined || known === name))
      append(found, entries[i]!);
  }
  return found;
}

function clear(type: string, name: unknown): void {
  const only = name === undefined ? undefined : toDomString(name);
  const kept: PerformanceEntry[] = [];
  for (let i = 0; i < entries.length; i++) {
    const { entryType, name: known } = partsOf(entries[i]!);
    if (entryType !== type || (only !== undefined && known !== only)) append(kept, entries[i]!);
  }
  entries = kept;
}

let origin: number | undefined;

/** A clock, and times that a script has marked. */
class Performance extends EventTarget {
  constructor(mark?: unknown) {
    if (mark !== CREATE) throw new SafeTypeError("Illegal constructor");
    super();
  }

  now(): number {
    return elapsedMs();
  }
  get timeOrigin(): number {
    return (origin ??= callSync(OPS.clock_origin, {}));
  }
  mark(name: string, options?: unknown): PerformanceMark {
    if (arguments.length === 0) throw new SafeTypeError("Cannot set a mark: it needs a name");
    return keepEntry(new PerformanceMark(name, options));
  }
  measure(name: string, startOrOptions?: unknown, endMark?: unknown): PerformanceMeasure {
    if (arguments.length === 0) throw new SafeTypeError("Cannot measure: it needs a name");
    const isOptions = typeof startOrOptions === "object" && startOrOptions !== null;
    const { start, end, duration } = (isOptions ? startOrOptions : { start: startOrOptions, end: endMark }) as Record<
      string,
      unknown
    >;
    const length = duration === undefined ? undefined : SafeNumber(duration);
    let to = end === undefined ? undefined : timeOf(end);
    let from = start === undefined ? undefined : timeOf(start);
    if (length !== undefined && from === undefined && to !== undefined) from = to - length;
    from ??= 0;
    to ??= length === undefined ? elapsedMs() : from + length;
    const detail = isOptions ? detailOf(startOrOptions) : null;
    const parts = {
      name: toDomString(name),
      entryType: "measure",
      startTime: from,
      duration: to - from,
      detail,
    } as const;
    return keepEntry(new PerformanceMeasure(CREATE, parts));
  }
  getEntries(): PerformanceEntry[] {
    return select(undefined, undefined);
  }
  getEntriesByName(name: string, type?: string): PerformanceEntry[] {
    if (arguments.length === 0) throw new SafeTypeError("Cannot get entries: it needs a name");
    return select(type === undefined ? undefined : toDomString(type), toDomString(name));
  }
  getEntriesByType(type: string): PerformanceEntry[] {
    if (arguments.length === 0) throw new SafeTypeError("Cannot get entries: it needs a type");
    return select(toDomString(type), undefined);
  }
  clearMarks(name?: string): void {
    clear("mark", name);
  }
  clearMeasures(name?: string): void {
    clear("measure", name);
  }
  toJSON(): object {
    return { timeOrigin: this.timeOrigin };
  }
}

/** Defines `performance` and the classes of its entries. */
export function installPerformance(): void {
  onReset(() => {
    entries = [];
  });
  defineClass("PerformanceEntry", PerformanceEntry, { lengths: { constructor: 0 } });
  defineClass("PerformanceMark", PerformanceMark, { lengths: { constructor: 1 }, hidden: ["toJSON"] });
  defineClass("PerformanceMeasure", PerformanceMeasure, { lengths: { constructor: 0 }, hidden: ["toJSON"] });
  defineClass("Performance", Performance, {
    lengths: { constructor: 0, mark: 1, measure: 1, getEntriesByName: 1, clearMarks: 0, clearMeasures: 0 },
  });
  defineGlobal("performance", new Performance(CREATE));
  ObjectDefineProperty(globalThis, "performance", { __proto__: null, enumerable: true } as PropertyDescriptor);
}
