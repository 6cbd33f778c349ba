import { describe, expect, it } from "vitest";
import { withEngine } from "../engine/engine-harness.ts";

/** Calls that answer with LENGTH characters each: together far more than the script may hold. */
const CALLS = 100;
const LENGTH = 200_000;
const MEMORY_MB = 12;

const CALL: Record<string, string> = {
  step: `const step = steps.createStep({ process: (n) => fresh(n) });
    const call = (n) => step.startAsync(n, { signal });`,
  chat: `const call = (n) => chat("echo: " + fresh(n), { signal });`,
  "one that depends on the signal": `const step = steps.createStep({ process: (n) => n });
    const call = async (n) => {
      const both = AbortSignal.any([signal, new AbortController().signal]);
      both.text = fresh(n);
      await step.startAsync(n, { signal: AbortSignal.any([both]) });
    };`,
  listener: `const target = new EventTarget();
    const call = async (n) => {
      const text = fresh(n);
      target.addEventListener("said", () => text, { once: true, signal });
      target.dispatchEvent(new Event("said"));
    };`,
  session: `const call = (n) => new ChatSession().next("echo: " + fresh(n), { signal });`,
};

describe("a signal that lives long", () => {
  it.each(Object.entries(CALL))("keeps nothing of a call that has settled: %s", async (_, makeCall) => {
    await withEngine({ isolation: "thread", limits: { memoryMB: MEMORY_MB } }, async ({ run }) => {
      const { value, error } = await run(
        `const { signal } = new AbortController();
        const fresh = (n) => String(n).padEnd(${LENGTH}, ".").split("").join("");
        ${makeCall}
        for (let n = 0; n < ${CALLS}; n++) await call(n);
        export default signal.aborted;`,
      );
      expect([error?.message, value]).toEqual([undefined, false]);
    });
  });
});

describe("a call that fails and that nobody waits for", () => {
  const signal = "{ signal: new AbortController().signal }";
  it.each([
    `chat("error: 429")`,
    `chat("error: 429", ${signal})`,
    `new ChatSession().next("error: 429")`,
    `new ChatSession().next("error: 429", ${signal})`,
    `steps.createStep({ process() { throw new RangeError("429"); } }).startAsync(1, ${signal})`,
  ])("is an error of the script: %s", async (call) => {
    await withEngine({ isolation: "thread" }, async ({ run }) => {
      const { ok, error } = await run(call);
      expect([ok, error?.message]).toEqual([false, expect.stringContaining("429")]);
    });
  });

  it.each([
    `chat("slow: 60s", { signal: c.signal })`,
    `new ChatSession().next("slow: 60s", { signal: c.signal })`,
    `steps.createStep({ process: () => new Promise(() => {}) }).startAsync(1, { signal: c.signal })`,
  ])("is none where the script has aborted it: %s", async (call) => {
    await withEngine({ isolation: "thread" }, async ({ run }) => {
      const { ok, error } = await run(`const c = new AbortController(); ${call}; setTimeout(() => c.abort(), 5);`);
      expect([error?.message, ok]).toEqual([undefined, true]);
    });
  });
});
