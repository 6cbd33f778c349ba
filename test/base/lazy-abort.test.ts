import { describe, expect, it } from "vitest";
import { abortable } from "../../src/base/abortable.ts";
import { LazyAbort, onAbort } from "../../src/base/calls/lazy-abort.ts";

const never = new Promise<never>(() => {});

describe("a LazyAbort", () => {
  it("gives a signal that is aborted with it, whenever it is asked for", () => {
    const [early, late] = [new LazyAbort(), new LazyAbort()];
    const { signal } = early;
    expect(signal.aborted).toBe(false);
    early.abort("enough");
    late.abort("too late");
    expect([signal.aborted, signal.reason]).toEqual([true, "enough"]);
    expect([late.signal.aborted, late.signal.reason]).toEqual([true, "too late"]);
    expect(early.signal).toBe(signal);
  });

  it("keeps the first reason", () => {
    const abort = new LazyAbort();
    expect([abort.aborted, abort.reason]).toEqual([false, undefined]);
    abort.throwIfAborted();
    abort.abort("first");
    abort.abort("second");
    expect([abort.aborted, abort.reason, abort.signal.reason]).toEqual([true, "first", "first"]);
    expect(() => abort.throwIfAborted()).toThrow("first");
  });

  it("calls its listeners once, in their order, before those of its signal", () => {
    const abort = new LazyAbort();
    const heard: string[] = [];
    abort.signal.addEventListener("abort", () => heard.push("signal"));
    const forget = onAbort(abort, () => heard.push("forgotten"));
    abort.add(() => heard.push("first"));
    abort.add(() => heard.push("second"));
    forget();
    abort.abort("enough");
    abort.abort("again");
    abort.add(() => heard.push("late"));
    expect(heard).toEqual(["first", "second", "signal"]);
  });

  it("ends waits with its reason, and lets those be that are over", async () => {
    const abort = new LazyAbort();
    await expect(abortable(Promise.resolve(1), abort)).resolves.toBe(1);
    await expect(abortable(Promise.reject(new Error("boom")), abort)).rejects.toThrow("boom");
    const waiting = abortable(never, abort);
    abort.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    // The failure of what nobody waits for any more is no unhandled rejection.
    await expect(abortable(Promise.reject(new Error("unheard")), abort)).rejects.toThrow("enough");
  });
});

describe.each(["a LazyAbort", "a signal"])("of %s, onAbort() and abortable()", (kind) => {
  it("tell of the abort until they are told to forget it", async () => {
    const controller = kind === "a signal" ? new AbortController() : new LazyAbort();
    const source = controller instanceof LazyAbort ? controller : controller.signal;
    const heard: string[] = [];
    onAbort(source, () => heard.push("kept"));
    onAbort(source, () => heard.push("forgotten"))();
    const waiting = abortable(never, source);
    controller.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    expect(heard).toEqual(["kept"]);
  });
});
