import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { EventRouter, type ChatEventHandler } from "../../src/events/index.ts";
import { defineStep, RuntimeEngine, setupDefaults } from "../../src/index.ts";

describe("EventRouter on an engine", () => {
  it("sees the events of every run, those of guest-made steps and tools included", async () => {
    await using engine = new RuntimeEngine({
      isolation: "thread",
      setup: [setupDefaults({ chat: { provider: "embedded", deltaMs: 0 } })],
    });
    await engine.start();
    const seen: string[] = [];
    const note = (event: { type: string; step?: { type: string } }): void =>
      void seen.push(`${event.step?.type} ${event.type}`);
    const handler: ChatEventHandler = {
      handleStart: note,
      handlePartialCompletion: note,
      handleToolCall: note,
      handleToolResult: note,
      handleFinal: note,
      handleError: note,
      handleInterrupt: note,
    };
    await using router = new EventRouter({ publisher: engine.bus });
    await router.registerChatEventHandler("step.*", handler);
    void router.run();
    await router.running();
    const outcome = await engine.runScript({
      code: `
        await doubleStep.startAsync(2);
        await steps.createLambdaStep((x) => x + 1).startAsync(1);
        await doubleStep.startAsync("no number").catch(() => {});
        const clock = { name: "clock", description: "Tells the time", input: { type: "object", properties: {} }, run: () => "noon" };
        await new ChatStepFactory().newStep({ tools: [clock] }).startAsync("call: clock {}");
        const pending = new ChatStepFactory().newStep();
        await new Promise((resolve) => pending.runWithEvents("slow: 20ms echo: a b c d e", (event) => {
          if (event.type === "partial") pending.cancel();
          if (event.type === "interrupt") resolve();
        }));`,
    });
    expect(outcome).toMatchObject({ ok: true });
    await expect.poll(() => seen.at(-1)).toBe("chat interrupt");
    expect(seen.slice(0, 6)).toEqual([
      "double start",
      "double final",
      "lambda start",
      "lambda final",
      "double start",
      "double error",
    ]);
    expect(seen.slice(6, 9)).toEqual(["chat start", "chat tool-call", "chat tool-result"]);
    expect(seen.filter((name) => name === "chat final")).toHaveLength(1);
  });

  it("takes the events of a host's step by its published topic", async () => {
    await using router = new EventRouter();
    const texts: string[] = [];
    const step = defineStep({
      name: "shout",
      kind: "text",
      async *run(text: string, context) {
        for (const delta of text.split(" ")) await context.publish({ type: "partial", delta });
        yield text;
      },
    });
    const name = await router.registerChatEventHandler(step, {
      handlePartialCompletion: ({ delta }) => void texts.push(delta),
      handleFinal: ({ text }) => void texts.push(text),
    });
    void router.run();
    await router.running();
    await step.start({}, "a b c").return();
    await expect.poll(() => texts).toEqual(["a", "b", "c", "abc"]);
    await router.removeHandler(name);
    await step.start({}, "d").return();
    expect(texts).toHaveLength(4);
  });
});

describe("geppetto-js/events", () => {
  const run = (code: string): string =>
    execFileSync(process.execPath, ["--input-type=module", "-e", code], {
      encoding: "utf8",
      cwd: import.meta.dirname,
    }).trim();

  it("loads without zod, yaml and the packages of NATS", () => {
    const listLoaded = `
      import { registerHooks } from "node:module";
      const loaded = [];
      registerHooks({ resolve(name, context, next) { loaded.push(name); return next(name, context); } });
      await import("geppetto-js/events");
      await import("geppetto-js/nats");
      console.log(loaded.filter((name) => !name.startsWith(".") && !name.startsWith("node:")).join());`;
    expect(run(listLoaded)).toBe("geppetto-js/events,geppetto-js/nats");
  });

  it("says which package NATS needs where it is missing", () => {
    const withoutNats = `
      import { registerHooks } from "node:module";
      registerHooks({ resolve(name, context, next) {
        if (name.startsWith("@nats-io/")) throw Object.assign(new Error("no such package"), { code: "ERR_MODULE_NOT_FOUND" });
        return next(name, context);
      } });
      const { NatsPubSub } = await import("geppetto-js/nats");
      await NatsPubSub.connect().catch(({ name, code, message }) => console.log(name, code, message));`;
    expect(run(withoutNats)).toBe(
      "ConfigError ERR_MISSING_PACKAGE Cannot use NATS: the package @nats-io/transport-node is not installed, add it to your dependencies",
    );
  });
});
