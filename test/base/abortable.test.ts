import { describe, expect, it } from "vitest";
import { abortable } from "../../src/base/abortable.ts";

describe("abortable()", () => {
  it("gives what the promise gives", async () => {
    const { signal } = new AbortController();
    await expect(abortable(Promise.resolve(7), signal)).resolves.toBe(7);
    await expect(abortable(Promise.reject(new Error("boom")), signal)).rejects.toThrow("boom");
  });

  it("rejects with the signal's reason, and hears of no later failure", async () => {
    const controller = new AbortController();
    const { promise, reject } = Promise.withResolvers<never>();
    const waited = abortable(promise, controller.signal);
    controller.abort(new Error("enough"));
    await expect(waited).rejects.toThrow("enough");
    reject(new Error("late"));
  });

  it("hears of no later failure either when the signal was aborted before", async () => {
    const { promise, reject } = Promise.withResolvers<never>();
    const rejections: unknown[] = [];
    const listen = (reason: unknown): void => void rejections.push(reason);
    process.on("unhandledRejection", listen);
    await expect(abortable(promise, AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
    reject(new Error("late"));
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", listen);
    expect(rejections).toEqual([]);
  });
});
