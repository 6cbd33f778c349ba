import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { expectSame } from "./compare.ts";
import { createGuest, type Guest } from "./guest-harness.ts";

let guest: Guest;
beforeEach(async () => {
  guest = await createGuest({ exposeInternals: true });
});
afterEach(() => guest.close());

describe("Event and EventTarget", () => {
  it.each([
    `const e = new Event("x", { bubbles: 1, cancelable: true, composed: "y" });
     return [e.type, e.bubbles, e.cancelable, e.composed, e.target, e.currentTarget, e.eventPhase, e.defaultPrevented, e.isTrusted, typeof e.timeStamp]`,
    `return [Event.NONE, Event.CAPTURING_PHASE, Event.AT_TARGET, Event.BUBBLING_PHASE]`,
    `return new Event()`,
    `const t = new EventTarget(), out = []; t.addEventListener("a", (e) => out.push(1, e.type)); t.addEventListener("a", () => out.push(2));
     out.push(t.dispatchEvent(new Event("a")), t.dispatchEvent(new Event("b"))); return out`,
    `const t = new EventTarget(), out = []; const f = () => out.push("f"); t.addEventListener("a", f); t.addEventListener("a", f);
     t.addEventListener("a", f, true); t.dispatchEvent(new Event("a")); t.removeEventListener("a", f); t.dispatchEvent(new Event("a")); return out`,
    `const t = new EventTarget(), out = []; t.addEventListener("a", () => out.push("once"), { once: true });
     t.dispatchEvent(new Event("a")); t.dispatchEvent(new Event("a")); return out`,
    `const t = new EventTarget(), out = []; t.addEventListener("a", { handleEvent(e) { out.push(this.x, e.target === t, e.currentTarget === t, e.eventPhase) }, x: 7 });
     const e = new Event("a"); t.dispatchEvent(e); out.push(e.target === t, e.currentTarget, e.eventPhase); return out`,
    `const t = new EventTarget(); t.addEventListener("a", (e) => e.preventDefault()); const e = new Event("a", { cancelable: true });
     return [t.dispatchEvent(e), e.defaultPrevented, e.returnValue, t.dispatchEvent(new Event("a"))]`,
    `const t = new EventTarget(); t.addEventListener("a", (e) => e.preventDefault(), { passive: true });
     return t.dispatchEvent(new Event("a", { cancelable: true }))`,
    `const t = new EventTarget(), out = []; t.addEventListener("a", (e) => { out.push(1); e.stopImmediatePropagation() }); t.addEventListener("a", () => out.push(2));
     t.dispatchEvent(new Event("a")); return out`,
    `const t = new EventTarget(), out = []; t.addEventListener("a", () => { out.push(1); t.addEventListener("a", () => out.push("late")) });
     t.dispatchEvent(new Event("a")); return out`,
    `const t = new EventTarget(), out = []; const second = () => out.push(2); t.addEventListener("a", () => t.removeEventListener("a", second)); t.addEventListener("a", second);
     t.dispatchEvent(new Event("a")); return out`,
    `const t = new EventTarget(), c = new AbortController(), out = []; t.addEventListener("a", () => out.push(1), { signal: c.signal });
     t.dispatchEvent(new Event("a")); c.abort(); t.dispatchEvent(new Event("a")); return out`,
    `const t = new EventTarget(), out = []; t.addEventListener("a", () => out.push(1), { signal: AbortSignal.abort() }); t.dispatchEvent(new Event("a")); return out.length`,
    `const t = new EventTarget(), out = []; t.addEventListener("a", function () { out.push(this === t) }); t.dispatchEvent(new Event("a")); return out`,
    `const t = new EventTarget(), e = new Event("a"); const out = []; t.addEventListener("a", () => { try { t.dispatchEvent(e) } catch (x) { out.push(x.name !== undefined) } });
     t.dispatchEvent(e); return [out, t.dispatchEvent(e)]`,
    `const t = new EventTarget(); t.addEventListener("a", null); t.addEventListener("a", undefined); return t.dispatchEvent(new Event("a"))`,
    `const t = new EventTarget(); const out = []; t.addEventListener("a", (e) => out.push(e.composedPath().length)); const e = new Event("a"); t.dispatchEvent(e); return [out, e.composedPath().length]`,
    `class Mine extends EventTarget {} class MyEvent extends Event { constructor() { super("mine"); this.detail = 5 } }
     const t = new Mine(); let got; t.addEventListener("mine", (e) => { got = e.detail + e.constructor.name }); t.dispatchEvent(new MyEvent()); return got`,
    `return [Object.prototype.toString.call(new Event("x")), Object.prototype.toString.call(new EventTarget()), Event.name, EventTarget.name]`,
  ])("behave as Node's: %s", async (code) => {
    await expectSame(guest, `try { return await (async () => { ${code} })() } catch (e) { return e.name }`);
  });

  it("report what a listener throws and go on with the next", async () => {
    await guest.run(`const t = new EventTarget(); t.addEventListener("a", () => { throw new Error("first") });
      t.addEventListener("a", { handleEvent: 5 }); t.addEventListener("a", () => { throw null });
      t.addEventListener("a", () => console.log("last")); t.dispatchEvent(new Event("a"))`);
    expect(guest.output.stdout).toBe("last\n");
    expect(guest.output.uncaught).toEqual(["first", "Cannot call handleEvent: it is not a function", "Uncaught null"]);
  });

  it("refuse what is no event, and no target", async () => {
    expect(await guest.run(`try { new EventTarget().dispatchEvent({ type: "a" }) } catch (e) { e.name }`)).toBe(
      "TypeError",
    );
    expect(
      await guest.run(`try { EventTarget.prototype.addEventListener.call({}, "a", () => {}) } catch (e) { e.name }`),
    ).toBe("TypeError");
    expect(await guest.run(`try { new EventTarget().addEventListener("a", 5) } catch (e) { e.name }`)).toBe(
      "TypeError",
    );
  });
});

describe("DOMException", () => {
  it.each([
    `const e = new DOMException("m", "AbortError"); return [e.name, e.message, e.code, e instanceof Error, e instanceof DOMException, String(e)]`,
    `const e = new DOMException(); return [e.name, e.message, e.code]`,
    `const e = new DOMException("m", { name: "TimeoutError", cause: 5 }); return [e.name, e.code, e.cause]`,
    `return ["AbortError", "TimeoutError", "DataCloneError", "QuotaExceededError", "InvalidCharacterError", "Nope", "toString"].map((n) => new DOMException("", n).code)`,
    `return [DOMException.ABORT_ERR, DOMException.DATA_CLONE_ERR, new DOMException().TIMEOUT_ERR, DOMException.INDEX_SIZE_ERR]`,
    `return Object.prototype.toString.call(new DOMException())`,
    `return new DOMException("m", "AbortError").stack.split("\\n")[0]`,
  ])("behaves as Node's: %s", async (code) => {
    await expectSame(guest, code);
  });
});

describe("AbortController and AbortSignal", () => {
  it.each([
    `const c = new AbortController(); return [c.signal.aborted, c.signal.reason, c.signal === c.signal, c.signal instanceof EventTarget]`,
    `const c = new AbortController(); c.abort(); const r = c.signal.reason; return [r.name, r.code, r.message, r instanceof DOMException]`,
    `const c = new AbortController(); c.abort(5); c.abort(6); return c.signal.reason`,
    `const c = new AbortController(); c.abort(null); return c.signal.reason`,
    `const c = new AbortController(), out = []; c.signal.addEventListener("abort", (e) => out.push(e.type, e.isTrusted, e.target === c.signal, c.signal.aborted)); c.abort(); c.abort(); return out`,
    `const c = new AbortController(), out = []; c.signal.addEventListener("abort", () => out.push("a")); c.signal.onabort = function (e) { out.push("on", this === c.signal, e.type) };
     c.signal.addEventListener("abort", () => out.push("b")); c.abort(); return out`,
    `const c = new AbortController(), out = []; c.signal.onabort = () => out.push(1); c.signal.onabort = () => out.push(2); c.abort(); return [out, typeof c.signal.onabort]`,
    `const c = new AbortController(), out = []; c.signal.onabort = () => out.push(1); c.signal.onabort = null; c.abort(); return [out.length, c.signal.onabort]`,
    `const c = new AbortController(); c.signal.throwIfAborted(); c.abort("why"); try { c.signal.throwIfAborted() } catch (e) { return e }`,
    `const s = AbortSignal.abort(); return [s.aborted, s.reason.name, AbortSignal.abort("r").reason]`,
    `return new AbortSignal()`,
    `const a = new AbortController(), b = new AbortController(), any = AbortSignal.any([a.signal, b.signal]), out = []; any.onabort = () => out.push("any"); b.abort("b"); a.abort("a"); return [any.aborted, any.reason, out]`,
    `const a = new AbortController(), b = new AbortController(), any = AbortSignal.any([a.signal, b.signal]); b.abort("b"); a.abort("a"); return [any.reason, any.aborted]`,
    `const a = new AbortController(), b = new AbortController(), both = AbortSignal.any([a.signal, b.signal]), out = []; const f = () => out.push("f"); both.addEventListener("abort", f); both.removeEventListener("abort", f); b.abort("b"); both.addEventListener("abort", f); a.abort("a"); try { both.throwIfAborted() } catch (e) { out.push(e) } return out`,
    `const a = new AbortController(), both = AbortSignal.any([AbortSignal.any([a.signal]), AbortSignal.any([])]), out = []; both.addEventListener("abort", () => out.push(1), { once: true }); AbortSignal.any([both]).onabort = () => out.push(2); a.abort(); a.abort(); return [out, both.aborted]`,
    `const a = new AbortController(), both = AbortSignal.any([a.signal]), target = new EventTarget(), out = []; target.addEventListener("x", () => out.push("x"), { signal: both }); target.dispatchEvent(new Event("x")); a.abort(); target.dispatchEvent(new Event("x")); return out`,
    `const any = AbortSignal.any([AbortSignal.abort(1), AbortSignal.abort(2)]); return [any.aborted, any.reason]`,
    `return AbortSignal.any([]).aborted`,
    `return AbortSignal.any([{}])`,
    `return AbortSignal.any(5)`,
    `const c = new AbortController(); const any = AbortSignal.any(new Set([AbortSignal.any([c.signal])])); c.abort("deep"); return any.reason`,
    `const c = new AbortController(), out = []; const any = AbortSignal.any([c.signal]); c.signal.addEventListener("abort", () => out.push("source", any.aborted)); any.addEventListener("abort", () => out.push("any")); c.abort(); return out`,
    `const s = AbortSignal.timeout(5); await new Promise((r) => { s.onabort = r; setTimeout(r, 600_000) }); return [s.aborted, s.reason.name, s.reason.code, s.reason.message]`,
    `return [Object.prototype.toString.call(new AbortController()), Object.prototype.toString.call(AbortSignal.abort())]`,
  ])("behave as Node's: %s", async (code) => {
    await expectSame(guest, `try { return await (async () => { ${code} })() } catch (e) { return e.name }`);
  });

  it("time out by a timer that keeps nothing alive", async () => {
    await guest.run(`AbortSignal.timeout(5).onabort = () => console.log("timed out")`);
    await expect.poll(() => guest.output.stdout).toBe("timed out\n");
    expect(await guest.run(`try { AbortSignal.timeout(-1) } catch (e) { e.name }`)).toBe("TypeError");
  });

  it("report what a listener throws", async () => {
    await guest.run(`const c = new AbortController(); c.signal.onabort = () => { throw new Error("on") };
      c.signal.addEventListener("abort", () => console.log("second")); c.abort()`);
    expect(guest.output.stdout).toBe("second\n");
    expect(guest.output.uncaught).toEqual(["on"]);
  });
});

describe("The runtime's own use of signals", () => {
  it("tells signals by brand", async () => {
    const code = `const { isAbortSignal } = internals.abort;
      [new AbortController().signal, AbortSignal.abort(), Object.create(AbortSignal.prototype), {}, null, 5,
       new Proxy(new AbortController().signal, {}), new EventTarget()].map(isAbortSignal).join()`;
    expect(await guest.run(code)).toBe("true,true,false,false,false,false,false,false");
  });

  it("hears of an abort before the script's listeners do, and can stop listening", async () => {
    const code = `const { onAbort, isAborted, abortReason } = internals.abort; const out = [];
      const c = new AbortController(); c.signal.addEventListener("abort", () => out.push("script"));
      onAbort(c.signal, (reason) => out.push("ours", reason)); onAbort(c.signal, () => out.push("never"))();
      out.push(isAborted(c.signal)); c.abort("why"); out.push(isAborted(c.signal), abortReason(c.signal)); out.join()`;
    expect(await guest.run(code)).toBe("false,ours,why,script,true,why");
  });

  it("is not fooled by a script that tampers with the classes", async () => {
    const code = `const { createAbortController, isAborted, abortReason, onAbort } = internals.abort; const out = [];
      for (const C of [AbortSignal, AbortController, EventTarget, Event]) for (const key of Reflect.ownKeys(C.prototype)) {
        if (Object.getOwnPropertyDescriptor(C.prototype, key).configurable && key !== "constructor") Object.defineProperty(C.prototype, key, { get() { throw new Error("tampered") } });
      }
      globalThis.AbortController = globalThis.AbortSignal = undefined;
      const c = createAbortController(); onAbort(c.signal, (r) => out.push(r.name)); c.abort(); c.abort(1);
      out.push(isAborted(c.signal), abortReason(c.signal).message); out.join()`;
    expect(await guest.run(code)).toBe("AbortError,true,This operation was aborted");
  });
});
