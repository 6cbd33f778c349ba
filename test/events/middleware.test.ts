import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import {
  CORRELATION_ID,
  correlationId,
  deduplicator,
  duplicator,
  POISON,
  poisonQueue,
  recoverer,
  retry,
  RouterMetrics,
  throttle,
  timeout,
} from "../../src/events/index.ts";

import { collect, setUp } from "./router-fixture.ts";

describe("Middleware", () => {
  it("wraps in the order of addition, the router's outside of the handler's", async () => {
    const { bus, router, run } = setUp();
    const order: string[] = [];
    const note =
      (name: string) =>
      (next: Parameters<ReturnType<typeof recoverer>>[0]) =>
      async (...args: Parameters<typeof next>) => {
        order.push(name);
        return next(...args);
      };
    router.addMiddleware(note("first"));
    router.addHandler("a", "a", bus, () => void order.push("handler"), { middleware: [note("own")] });
    router.addMiddleware(note("second"));
    await run();
    await bus.publish("a", 1);
    await expect.poll(() => order).toEqual(["first", "second", "own", "handler"]);
  });

  it("recoverer() makes whatever is thrown an error with a code", async () => {
    const { bus, router, run } = setUp();
    const errors: unknown[] = [];
    router.addMiddleware(
      (next) =>
        async (...args) => {
          try {
            return await next(...args);
          } catch (error) {
            errors.push(error);
            return [];
          }
        },
      recoverer(),
    );
    router.addHandler("bad", "a", bus, ({ payload }) => {
      throw payload;
    });
    await run();
    for (const thrown of ["text", new TypeError("no"), null, undefined]) await bus.publish("a", thrown);
    await expect.poll(() => errors.length).toBe(4);
    const texts = ["text", "TypeError: no", "null", "undefined"].map((text) => `The handler "bad" threw ${text}`);
    expect(errors).toMatchObject(texts.map((message) => ({ name: "StepError", code: "ERR_STEP", message })));
  });

  it("retry() tries again with backoff, tells of it, and gives up", async () => {
    const { bus, router, log, run } = setUp({ nackDelayMs: 10_000 });
    const attempts: number[] = [];
    const told: number[] = [];
    router.addMiddleware(
      retry({ maxAttempts: 3, backoff: (attempt) => attempt, onRetry: (_, attempt) => void told.push(attempt) }),
    );
    router.addHandler("a", "a", bus, ({ payload }) => {
      attempts.push(Number(payload));
      if (payload === 0 || attempts.length < 2) throw new Error("no");
    });
    await run();
    await bus.publish("a", 1);
    await expect.poll(() => attempts).toEqual([1, 1]);
    await bus.publish("a", 0);
    await expect.poll(() => log.length).toBe(1);
    expect(attempts).toEqual([1, 1, 0, 0, 0]);
    expect(told).toEqual([1, 1, 2]);
  });

  it("timeout() fails a message and aborts the handler's signal", async () => {
    const { bus, router, log, run } = setUp({ nackDelayMs: 10_000 });
    let aborted = false;
    router.addMiddleware(timeout(10));
    router.addHandler("slow", "a", bus, (_, { signal }) => {
      signal.addEventListener("abort", () => (aborted = true));
      return new Promise(() => {});
    });
    await run();
    await bus.publish("a", 1);
    await expect.poll(() => log).toEqual([expect.stringContaining('The handler "slow" took longer than 10 ms')]);
    expect(aborted).toBe(true);
  });

  it("timeout() waits longer than a timer can measure", async () => {
    const { bus, router, log, run } = setUp();
    let done = false;
    router.addMiddleware(timeout(30 * 24 * 3600_000));
    router.addHandler("slow", "a", bus, async () => {
      await sleep(30);
      done = true;
    });
    await run();
    await bus.publish("a", 1);
    await expect.poll(() => done).toBe(true);
    await router.close();
    expect(log).toEqual([]);
  });

  it("throttle() lets so many messages through in a stretch of time", async () => {
    const { bus, router, run } = setUp();
    const times: number[] = [];
    router.addMiddleware(throttle(2, 50));
    router.addHandler("a", "a", bus, () => void times.push(performance.now()));
    await run();
    const startedAt = performance.now();
    for (let i = 0; i < 5; i++) await bus.publish("a", i);
    await expect.poll(() => times.length).toBe(5);
    // A time is noted some time after the message was let through.
    for (const [i, time] of times.entries()) expect(time - startedAt).toBeGreaterThan(Math.floor(i / 2) * 50 - 5);
  });

  it("correlationId() follows a chain of messages from the first one's uuid or id", async () => {
    const { bus, router, run } = setUp();
    const made = collect(bus, "b");
    router.addMiddleware(correlationId());
    router.addHandler("a", "a", bus, () => [{ payload: 1 }, { payload: 2, metadata: { [CORRELATION_ID]: "own" } }], {
      publishTo: { publisher: bus, topic: "b" },
    });
    await run();
    await bus.publish("a", 0, { uuid: "first" });
    await bus.publish("a", 0, { metadata: { [CORRELATION_ID]: "given" } });
    await expect
      .poll(() => made.map(({ metadata }) => metadata[CORRELATION_ID]))
      .toEqual(["first", "own", "given", "own"]);
  });

  it("duplicator() handles twice, deduplicator() once, even where both come at a time", async () => {
    const { bus, router, run } = setUp();
    const seen: number[] = [];
    const twice: unknown[] = [];
    router.addHandler("twice", "b", bus, ({ payload }) => void twice.push(payload), { middleware: [duplicator()] });
    router.addHandler(
      "once",
      "a",
      bus,
      async ({ payload }) => {
        await sleep(2);
        seen.push(Number(payload));
      },
      { concurrency: 4, middleware: [deduplicator({ maxKeys: 2 })] },
    );
    await run();
    await bus.publish("b", 1);
    for (const payload of [1, 1, 2, 1, 2]) await bus.publish("a", payload, { uuid: String(payload) });
    await expect.poll(() => twice).toEqual([1, 1]);
    const handled = (): number[] => seen.toSorted((a, b) => a - b);
    await expect.poll(handled).toEqual([1, 2]);
    await sleep(20);
    expect(handled()).toEqual([1, 2]);
    for (const [i, payload] of [3, 4, 1].entries()) {
      await bus.publish("a", payload, { uuid: String(payload) });
      await expect.poll(() => seen[i + 2]).toBe(payload);
    }
  });

  it("deduplicator() handles a message again whose first handling failed", async () => {
    const { bus, router, run } = setUp();
    const tries: number[] = [];
    router.addMiddleware(deduplicator());
    router.addHandler("a", "a", bus, ({ deliveries }) => {
      tries.push(deliveries);
      if (deliveries === 1) throw new Error("no");
    });
    await run();
    await bus.publish("a", 1);
    await expect.poll(() => tries).toEqual([1, 2]);
  });

  it("poisonQueue() sets a message aside with the reason, and lets the next one through", async () => {
    const { bus, router, run } = setUp();
    const poisoned = collect(bus, "poison");
    const seen: unknown[] = [];
    router.addMiddleware(poisonQueue(bus, "poison"), retry({ maxAttempts: 2, backoff: () => 1 }), recoverer());
    router.addHandler("a", "a", bus, ({ payload }) => {
      seen.push(payload);
      if (payload === "bad") throw new Error("cannot read it");
    });
    await run();
    await bus.publish("a", "bad", { uuid: "u1", metadata: { who: "me" } });
    await bus.publish("a", "good");
    await expect.poll(() => seen).toEqual(["bad", "bad", "good"]);
    expect(poisoned).toMatchObject([
      {
        payload: "bad",
        metadata: {
          who: "me",
          [POISON.reason]: 'The handler "a" threw Error: cannot read it',
          [POISON.topic]: "a",
          [POISON.handler]: "a",
          [POISON.uuid]: "u1",
        },
      },
    ]);
  });

  it("RouterMetrics counts what handlers do", async () => {
    const { bus, router, run } = setUp();
    const metrics = new RouterMetrics();
    router.addMiddleware(metrics.middleware);
    router.addHandler(
      "a",
      "a",
      bus,
      async ({ deliveries }) => {
        await sleep(3);
        if (deliveries === 1) throw new Error("no");
        return [{ payload: 1 }];
      },
      { publishTo: { publisher: bus, topic: "b" } },
    );
    await run();
    await bus.publish("a", 1);
    await expect.poll(() => metrics.snapshot()["a"]?.handled).toBe(1);
    const { maxMs, totalMs, ...counts } = metrics.snapshot()["a"]!;
    expect(counts).toEqual({ handled: 1, failed: 1, underWay: 0, made: 1 });
    expect(maxMs).toBeGreaterThan(1);
    expect(totalMs).toBeGreaterThanOrEqual(maxMs);
  });
});
