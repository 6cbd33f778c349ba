import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createGuest, type Guest } from "./guest-harness.ts";
import { expectSame } from "./compare.ts";

let guest: Guest;
beforeAll(async () => {
  guest = await createGuest();
});
afterAll(() => guest.close());

const words = (text: string): string[] => text.trim().split(/\s+/);

const CLASSES = words(`
  AbortController AbortSignal CustomEvent DOMException Event EventTarget MessageEvent TextDecoder
  TextEncoder URL URLSearchParams Crypto MessageChannel MessagePort Performance PerformanceEntry
  PerformanceMark PerformanceMeasure ByteLengthQueuingStrategy CountQueuingStrategy
  ReadableByteStreamController ReadableStream ReadableStreamBYOBReader ReadableStreamBYOBRequest
  ReadableStreamDefaultController ReadableStreamDefaultReader TextDecoderStream TextEncoderStream
  TransformStream TransformStreamDefaultController WritableStream WritableStreamDefaultController
  WritableStreamDefaultWriter`);
const FUNCTIONS = words(`
  atob btoa structuredClone queueMicrotask setTimeout clearTimeout setInterval clearInterval setImmediate
  clearImmediate`);

/** Describes what a name of the web platform has: each property with its kind, names, lengths and flags. */
const DESCRIBE = String.raw`
  const kind = (value) => typeof value === "function" ? "function " + value.name + "/" + value.length : typeof value;
  const show = (target, key) => {
    const found = Object.getOwnPropertyDescriptor(target, key);
    const what = "value" in found ? kind(found.value) : (found.get ? "get" : "") + (found.set ? " set" : "");
    const flags = [found.writable && "writable", found.enumerable && "enumerable", found.configurable && "configurable"];
    return [what, ...flags.filter(Boolean)].join(" ");
  };
  const lines = {};
  // What is there only when it is asked for is asked for first.
  for (const name of names) globalThis[name];
  for (const name of names) {
    const value = globalThis[name];
    lines[name] = show(globalThis, name);
    if (typeof value !== "function" || !isClass) continue;
    const own = (target) => Reflect.ownKeys(target).filter((key) => typeof key === "string" || key === Symbol.toStringTag || key === Symbol.iterator || key === Symbol.asyncIterator);
    for (const key of own(value)) if (key !== "prototype") lines[name + "." + String(key)] = show(value, key);
    for (const key of own(value.prototype)) lines[name + "#" + String(key)] = show(value.prototype, key);
    lines[name + " inherits"] = Object.getPrototypeOf(value).name;
  }
  return JSON.stringify(lines);`;

/** What differs on purpose: there is no origin that could own a blob, no crypto but random values, and nothing of Node's. */
const MISSING_HERE = words(`
  URL.createObjectURL URL.revokeObjectURL Crypto#subtle
  Performance#clearResourceTimings Performance#setResourceTimingBufferSize Performance#eventLoopUtilization
  Performance#nodeTiming Performance#markResourceTiming Performance#timerify Performance#onresourcetimingbufferfull
  MessagePort#ref MessagePort#unref MessagePort#hasRef MessageEvent#initMessageEvent`);
/** A DOMException is an error of V8's with its own message; Node's ports count their arguments otherwise. */
const DIFFERENT_HERE = [
  "DOMException inherits",
  "DOMException#message",
  "MessagePort inherits",
  "MessagePort#postMessage",
  "MessagePort#close",
];
/** As the standards have them. */
const MORE_HERE = [
  ...["PerformanceEntry", "MessageChannel", "MessagePort", "TextEncoderStream", "TextDecoderStream"].map(
    (name) => `${name}#Symbol(Symbol.toStringTag)`,
  ),
  "MessageChannel#port1",
  "MessageChannel#port2",
  "WritableStreamDefaultController#abortReason",
];

/** The names and what both sides say of them, where that is not the same and not meant to be. */
async function differences(names: readonly string[], isClass: boolean): Promise<unknown[]> {
  const code = `(() => { const names = ${JSON.stringify(names)}, isClass = ${isClass}; ${DESCRIBE} })()`;
  // oxlint-disable-next-line no-eval -- the same text has to run on both sides
  const theirs = JSON.parse((0, eval)(code) as string) as Record<string, string>;
  const ours = JSON.parse(await guest.run(code)) as Record<string, string>;
  const all = new Set([...Object.keys(theirs), ...Object.keys(ours)]);
  return [...all].flatMap((key) => {
    const [node, here] = [theirs[key], ours[key]];
    if (node === here || DIFFERENT_HERE.includes(key)) return [];
    if (here === undefined && MISSING_HERE.includes(key)) return [];
    return node === undefined && MORE_HERE.includes(key) ? [] : [{ key, node, here }];
  });
}

describe("the web platform of a guest", () => {
  it("has the classes that Node has, with their members, names, lengths and flags", async () => {
    expect(await differences(CLASSES, true)).toEqual([]);
  });

  it("has the functions that Node has, with their names, lengths and flags", async () => {
    expect(await differences(FUNCTIONS, false)).toEqual([]);
  });

  it("has the global object under its name in browsers", async () => {
    expect(await guest.run("self === globalThis && !Object.keys(globalThis).includes('self')")).toBe("true");
  });

  it.each([
    "URL.canParse()",
    "URL.parse()",
    "new URL()",
    "URL.canParse('x:y')",
    "new CustomEvent()",
    "new MessageEvent()",
    "new MessagePort()",
    "new Crypto()",
    "new Performance()",
    "new PerformanceEntry()",
    "new PerformanceMark()",
    "Crypto.prototype.randomUUID.call({})",
    "URL.prototype.href",
    "Event.prototype.type",
    "AbortSignal.prototype.aborted",
    "new Event('a').initEvent()",
    "performance.measure('m', 'never')",
    "new MessageChannel().port1.postMessage()",
    "new MessageChannel().port1.postMessage(() => {})",
    "new ReadableStream({ type: 'odd' })",
    "new TextDecoderStream('odd')",
  ])("fails where Node does: %s", async (code) => {
    const name = `let told; try { ${code}; told = "nothing"; } catch (error) { told = error.name; } return told;`;
    await expectSame(guest, name);
  });

  it.each([
    [
      "a URLSearchParams with an iterator of its own",
      `const p = new URLSearchParams("a=1"); p[Symbol.iterator] = function* () { yield ["x", "y"]; }; return String(new URLSearchParams(p));`,
    ],
    [
      "a list with an iterator of its own",
      `const p = [["a", "1"]]; p[Symbol.iterator] = function* () { yield ["x", "y"]; }; return String(new URLSearchParams(p));`,
    ],
    [
      "what a CustomEvent carries",
      `const told = []; const target = new EventTarget(); target.addEventListener("add", (e) => told.push(e.detail, e instanceof Event, e.type)); target.dispatchEvent(new CustomEvent("add", { detail: 7 })); target.dispatchEvent(new CustomEvent("add")); target.dispatchEvent(new CustomEvent("add", { detail: undefined })); return JSON.stringify(told);`,
    ],
    [
      "what a MessageEvent carries",
      `const e = new MessageEvent("message", { data: { a: 1 }, origin: "o", lastEventId: 3 }); return JSON.stringify([e.data, e.origin, e.lastEventId, e.source, e.ports]);`,
    ],
    [
      "an event that is made anew",
      `const e = new Event("a"); e.initEvent("b", true, true); return JSON.stringify([e.type, e.bubbles, e.cancelable]);`,
    ],
    [
      "messages between ports, in order, as copies",
      `const { port1, port2 } = new MessageChannel(); const told = []; const sent = { n: 1, d: new Date(5) }; await new Promise((end) => { port2.onmessage = (e) => { told.push(e.data, e.data === sent, e.data.d instanceof Date); if (told.length === 6) end(); }; port1.postMessage(sent); sent.n = 2; port1.postMessage(sent); }); port1.close(); return JSON.stringify(told);`,
    ],
    [
      "messages that were there before anybody listened",
      `const { port1, port2 } = new MessageChannel(); port1.postMessage(1); port1.postMessage(2); const told = []; await new Promise((end) => { port2.addEventListener("message", (e) => { told.push(e.data); if (told.length === 2) end(); }); port2.start(); }); port1.close(); return String(told);`,
    ],
    [
      "marks and measures",
      `performance.mark("a", { startTime: 5, detail: { x: 1 } }); performance.mark("b", { startTime: 9 }); const m = performance.measure("m", "a", "b"); const n = performance.measure("n", { start: 1, duration: 4 }); const all = performance.getEntries().filter((e) => "abmn".includes(e.name)).map((e) => [e.name, e.entryType, e.startTime, e.duration, e.detail ?? null]); performance.clearMarks("a"); const left = performance.getEntriesByType("mark").map((e) => e.name); performance.clearMarks(); performance.clearMeasures(); return JSON.stringify([all, m.toJSON(), n.duration, left.filter((x) => x.length === 1), performance.getEntriesByName("m").length]);`,
    ],
    [
      "streams that are read, changed and written",
      `const told = []; const source = new ReadableStream({ start(c) { for (const x of ["a", "b", "\\ud83d", "\\ude00"]) c.enqueue(x); c.close(); } }); const upper = new TransformStream({ transform(x, c) { c.enqueue(x.toUpperCase()); } }); await source.pipeThrough(upper).pipeThrough(new TextEncoderStream()).pipeThrough(new TextDecoderStream()).pipeTo(new WritableStream({ write(x) { told.push(x); } })); return told.join("");`,
    ],
    [
      "a stream that fails",
      `const s = new ReadableStream({ pull() { throw new RangeError("x"); } }); try { for await (const _ of s); return "none"; } catch (e) { return e.name + e.message; }`,
    ],
    [
      "streams that part",
      `const [a, b] = ReadableStream.from([1, 2, 3]).tee(); const read = async (s) => { const out = []; for await (const x of s) out.push(x); return out; }; return JSON.stringify(await Promise.all([read(a), read(b)]));`,
    ],
    [
      "bytes that are read into a buffer",
      `const s = new ReadableStream({ type: "bytes", start(c) { c.enqueue(new Uint8Array([1, 2, 3])); c.close(); } }); const { value } = await s.getReader({ mode: "byob" }).read(new Uint8Array(2)); return String(value);`,
    ],
    [
      "the size of what waits",
      `const w = new WritableStream({}, new CountQueuingStrategy({ highWaterMark: 3 })).getWriter(); const r = new ReadableStream({}, new ByteLengthQueuingStrategy({ highWaterMark: 4 })); return [w.desiredSize, r.locked].join();`,
    ],
    [
      "a pipe that is stopped by a signal",
      `const c = new AbortController(); const p = new ReadableStream({ pull(k) { k.enqueue(1); } }).pipeTo(new WritableStream({ write: () => c.abort() }), { signal: c.signal }); return await p.catch((e) => e.name);`,
    ],
  ])("gives what Node gives: %s", async (_, code) => {
    await expectSame(guest, code);
  });
});

describe("a DOMException that aborts", () => {
  it("shows nothing of what runs add to it", async () => {
    const code = `const e = new DOMException("x", "AbortError"); return JSON.stringify([Object.keys(e), "includes" in e, e.name, e.code]);`;
    await expectSame(guest, code);
  });
});
