/** Times, and messages between parts of a script. */

interface PerformanceEntry {
  readonly name: string;
  readonly entryType: "mark" | "measure";
  /** Milliseconds since the script's realm began. */
  readonly startTime: number;
  readonly duration: number;
  toJSON(): object;
}
declare const PerformanceEntry: { readonly prototype: PerformanceEntry };

interface PerformanceMark extends PerformanceEntry {
  readonly detail: unknown;
}
/** @example new PerformanceMark("begin", { startTime: 5 }).startTime; // → 5 */
declare const PerformanceMark: {
  new (name: string, options?: { startTime?: number; detail?: unknown }): PerformanceMark;
  readonly prototype: PerformanceMark;
};

interface PerformanceMeasure extends PerformanceEntry {
  readonly detail: unknown;
}
declare const PerformanceMeasure: { readonly prototype: PerformanceMeasure };

interface Performance extends EventTarget {
  /** Milliseconds since the script's realm began. @example const start = performance.now(); */
  now(): number;
  /**
   * When that was: milliseconds since the epoch. Stays as it is when the clock of the machine is put right.
   *
   * @example new Date(performance.timeOrigin + performance.now()) <= new Date(Date.now() + 1000); // → true
   */
  readonly timeOrigin: number;
  /** Keeps at most 10,000 entries, the newest. */
  mark(name: string, options?: { startTime?: number; detail?: unknown }): PerformanceMark;
  /**
   * The time between two marks, or from one until now.
   *
   * @example
   * performance.mark("begin", { startTime: 5 });
   * performance.mark("end", { startTime: 9 });
   * performance.measure("all", "begin", "end").duration; // → 4
   * performance.getEntries().length; // → 3
   * performance.getEntriesByName("begin").length; // → 1
   * performance.getEntriesByType("measure").length; // → 1
   * performance.clearMarks("begin");
   * performance.clearMeasures();
   * JSON.stringify(performance.toJSON()).startsWith('{"timeOrigin"'); // → true
   */
  measure(
    name: string,
    startOrOptions?: string | { start?: string | number; end?: string | number; duration?: number; detail?: unknown },
    endMark?: string,
  ): PerformanceMeasure;
  getEntries(): PerformanceEntry[];
  getEntriesByName(name: string, type?: string): PerformanceEntry[];
  getEntriesByType(type: string): PerformanceEntry[];
  clearMarks(name?: string): void;
  clearMeasures(name?: string): void;
  toJSON(): object;
}
declare const Performance: { readonly prototype: Performance };
declare const performance: Performance;

interface MessageEvent<T = unknown> extends Event {
  readonly data: T;
  readonly origin: string;
  readonly lastEventId: string;
  readonly source: unknown;
  readonly ports: readonly MessagePort[];
}
/** @example new MessageEvent("message", { data: 7 }).data; // → 7 */
declare const MessageEvent: {
  new <T>(
    type: string,
    init?: EventInit & { data?: T; origin?: string; lastEventId?: string; source?: unknown; ports?: MessagePort[] },
  ): MessageEvent<T>;
  readonly prototype: MessageEvent;
};

interface MessagePort extends EventTarget {
  onmessage: ((event: MessageEvent) => void) | null;
  onmessageerror: ((event: MessageEvent) => void) | null;
  /** Sends a copy to the other port, where it arrives in a turn of its own. */
  postMessage(message: unknown, options?: ArrayBuffer[] | { transfer?: ArrayBuffer[] }): void;
  /** Lets messages arrive; so does a listener in `onmessage`. */
  start(): void;
  close(): void;
}
declare const MessagePort: { readonly prototype: MessagePort };

interface MessageChannel {
  readonly port1: MessagePort;
  readonly port2: MessagePort;
}
/**
 * @example
 * const { port1, port2 } = new MessageChannel();
 * port2.onmessage = ({ data }) => console.log(data);
 * port1.postMessage("hello");
 */
declare const MessageChannel: { new (): MessageChannel; readonly prototype: MessageChannel };
