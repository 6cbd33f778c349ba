import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { POISON, poisonQueue, UNDECODABLE } from "../../src/events/index.ts";

import { collect, payloads, setUp } from "./router-fixture.ts";

describe("Router", () => {
  it("brings messages to handlers, and what they return to other topics, in order", async () => {
    const { bus, router, run } = setUp();
    const shouts = collect(bus, "shouts");
    const publishTo = { publisher: bus, topic: "shouts" };
    router.addHandler("shout", "words", bus, ({ payload }) => [{ payload: `${String(payload)}!` }, { payload: "-" }], {
      publishTo,
    });
    await run();
    for (const word of ["a", "b", "c"]) await bus.publish("words", word);
    await expect.poll(() => payloads(shouts)).toEqual(["a!", "-", "b!", "-", "c!", "-"]);
  });

  it("acks a message when its handler has resolved, and not before", async () => {
    const { bus, router, run } = setUp();
    const gate = Promise.withResolvers<void>();
    router.addHandler("wait", "a", bus, () => gate.promise, { subscribe: { maxMessages: 1 } });
    await run();
    await bus.publish("a", 1);
    let second = false;
    const publishing = bus.publish("a", 2).then(() => (second = true));
    await sleep(10);
    expect(second).toBe(false);
    gate.resolve();
    await publishing;
  });

  it("nacks and logs a message whose handler fails, and tries it again", async () => {
    const { bus, router, log, run } = setUp();
    const tries: number[] = [];
    router.addHandler("flaky", "a", bus, ({ deliveries }) => {
      tries.push(deliveries);
      if (deliveries < 3) throw new Error("not yet");
    });
    await run();
    await bus.publish("a", 1);
    await expect.poll(() => tries).toEqual([1, 2, 3]);
    expect(log).toEqual(Array(2).fill('Cannot handle a message of "a": the handler "flaky" failed: not yet'));
  });

  it("refuses to publish for a handler that was given nowhere to publish to", async () => {
    const { bus, router, log, run } = setUp({ nackDelayMs: 10_000 });
    router.addHandler("lost", "a", bus, () => [{ payload: 1 }]);
    await run();
    await bus.publish("a", 1);
    await expect.poll(() => log).toEqual([expect.stringContaining("it has no publishTo")]);
  });

  it("stops one handler and starts it again while the others go on", async () => {
    const { bus, router, run } = setUp();
    const seen: string[] = [];
    for (const name of ["one", "two"])
      router.addHandler(name, "a", bus, ({ payload }) => void seen.push(`${name}${String(payload)}`));
    await run();
    await bus.publish("a", 1);
    await expect.poll(() => seen.length).toBe(2);
    const one = router.handler("one")!;
    await one.stop();
    expect(one.isStarted).toBe(false);
    await bus.publish("a", 2);
    await expect.poll(() => seen.length).toBe(3);
    one.start();
    await bus.publish("a", 3);
    await expect.poll(() => seen.sort()).toEqual(["one1", "one3", "two1", "two2", "two3"]);
    expect(await router.removeHandler("two")).toBe(true);
    expect(await router.removeHandler("two")).toBe(false);
    await bus.publish("a", 4);
    await expect.poll(() => seen.length).toBe(6);
  });

  it("starts a handler at once that is added while it runs", async () => {
    const { bus, router, run } = setUp();
    await run();
    const seen: unknown[] = [];
    router.addHandler("late", "a", bus, ({ payload }) => void seen.push(payload));
    await bus.publish("a", 1);
    await expect.poll(() => seen).toEqual([1]);
  });

  it("refuses a second handler of a name, a second run, and handlers after the close", async () => {
    const { bus, router, run } = setUp();
    router.addHandler("a", "a", bus, () => {});
    expect(() => router.addHandler("a", "b", bus, () => {})).toThrow(
      'Cannot add the handler "a": a handler has this name already',
    );
    expect(() => router.addHandler("b", "a", bus, () => {}, { concurrency: 0 })).toThrow(
      'Cannot add the handler "b": concurrency must be a positive whole number, got 0',
    );
    await run();
    await expect(router.run()).rejects.toThrow("Cannot run the router: it has run already");
    await router.close();
    expect(() => router.addHandler("b", "b", bus, () => {})).toThrow("the router is closed");
  });

  it("waits at close for what is being handled, takes nothing more, and leaves no topic", async () => {
    const { bus, router, run } = setUp();
    const done: unknown[] = [];
    router.addHandler("slow", "a", bus, async ({ payload }) => {
      await sleep(30);
      done.push(payload);
    });
    await run();
    await bus.publish("a", 1);
    await bus.publish("a", 2);
    await sleep(5);
    await router.close();
    expect(done).toEqual([1]);
    expect(bus.topics()).toEqual([]);
    expect(router.isRunning).toBe(false);
    await router.close();
  });

  it("gives up at close after a time-out, aborts the signal, and names the handler", async () => {
    const { bus, router, run } = setUp({ closeTimeoutMs: 20 });
    let reason: unknown;
    router.addHandler("stuck", "a", bus, (_, { signal }) => {
      signal.addEventListener("abort", () => (reason = signal.reason));
      return new Promise(() => {});
    });
    await run();
    await bus.publish("a", 1);
    await sleep(5);
    await expect(router.close()).rejects.toMatchObject({
      name: "TimeoutError",
      message: expect.stringContaining('still at work: "stuck"'),
    });
    expect(reason).toMatchObject({ name: "TimeoutError" });
    expect(bus.topics()).toEqual([]);
  });

  it("waits at close longer than a timer can measure", async () => {
    const { bus, router, run } = setUp({ closeTimeoutMs: 30 * 24 * 3600_000 });
    const handling = Promise.withResolvers<void>();
    let done = false;
    router.addHandler("slow", "a", bus, async () => {
      handling.resolve();
      await sleep(30);
      done = true;
    });
    await run();
    await bus.publish("a", 1);
    await handling.promise;
    await router.close();
    expect(done).toBe(true);
  });

  it("is closed by its signal", async () => {
    const { bus, router } = setUp();
    router.addHandler("a", "a", bus, () => {});
    const controller = new AbortController();
    const running = router.run({ signal: controller.signal });
    await router.running();
    controller.abort();
    await running;
    expect(bus.topics()).toEqual([]);
  });

  it("works on as many messages at a time as it is told", async () => {
    const { bus, router, run } = setUp();
    let now = 0;
    let most = 0;
    let handled = 0;
    router.addHandler(
      "many",
      "a",
      bus,
      async () => {
        most = Math.max(most, ++now);
        await sleep(5);
        now--;
        handled++;
      },
      { concurrency: 4 },
    );
    await run();
    for (let i = 0; i < 20; i++) await bus.publish("a", i);
    await expect.poll(() => handled).toBe(20);
    expect(most).toBe(4);
  });

  it("never brings a message to a handler that its transport could not read", async () => {
    const { bus, router, run } = setUp();
    const poisoned = collect(bus, "poison");
    const seen: unknown[] = [];
    router.addMiddleware(poisonQueue(bus, "poison"));
    router.addHandler("a", "a", bus, ({ payload }) => void seen.push(payload));
    await run();
    await bus.publish("a", "{", { metadata: { [UNDECODABLE]: "it is not JSON" } });
    await bus.publish("a", "fine");
    await expect.poll(() => seen).toEqual(["fine"]);
    expect(poisoned).toMatchObject([
      { payload: "{", metadata: { [POISON.reason]: 'Cannot read a message of "a": it is not JSON' } },
    ]);
  });
});
