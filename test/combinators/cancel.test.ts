import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { setupDefaults, type SetupFunction } from "../../src/index.ts";
import { ISOLATIONS, withEngine } from "../engine/engine-harness.ts";

/** A provider that streams one piece of text and then nothing, for as long as its client stays. */
class EndlessProvider {
  open = 0;
  opened = 0;
  /** Sockets of clients. */
  sockets = 0;
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      this.open++;
      this.opened++;
      request.resume();
      response.on("close", () => this.open--);
      response.writeHead(200, { "content-type": "text/event-stream" });
      const chunk = { id: "1", object: "chat.completion.chunk", created: 1, model: "endless" };
      const delta = {
        ...chunk,
        choices: [{ index: 0, delta: { role: "assistant", content: "so " }, finish_reason: null }],
      };
      response.write(`data: ${JSON.stringify(delta)}\n\n`);
    });
  }

  async start(): Promise<string> {
    this.#server.on("connection", (socket) => {
      this.sockets++;
      socket.on("close", () => this.sockets--);
    });
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  /** Every call has been closed by its client, long before it was answered; connections without a call may be kept. */
  async expectNoCalls(): Promise<void> {
    await expect.poll(() => this.open).toBe(0);
    this.#server.closeIdleConnections();
    await expect.poll(() => this.sockets).toBe(0);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

const provider = new EndlessProvider();
let baseURL = "";
beforeAll(async () => {
  baseURL = await provider.start();
});
afterAll(() => provider.close());

const setup = (): ReturnType<typeof setupDefaults> =>
  setupDefaults({ chat: { provider: "openai", model: "endless", apiKey: "sk-test", baseURL }, env: {} });

/** Tells a script how often the provider has been asked. */
const setupOpened: SetupFunction = async function opened(vm) {
  await vm.op("opened", () => provider.opened, { mode: "sync" });
};

/** What stands around the call of the provider. */
const AROUND = {
  nothing: "(s) => s",
  compose: "(s) => steps.compose([(x) => [x], s, (all) => all])",
  "a function in compose": "(s) => steps.compose([(x) => s.startAsync(x)])",
  parallel: "(s) => steps.createParallelStep({ maxConcurrency: 2, step: s })",
  retry: "(s) => steps.withRetry(s, { maxAttempts: 5 })",
  timeout: "(s) => steps.withTimeout(s, 60_000)",
  state: "(s) => steps.withState({ initialState: {}, step: (x, state, { signal }) => s.startAsync(x, { signal }) })",
  "all of them": "(s) => steps.withTimeout(steps.withRetry(steps.compose([steps.withEvents(s, {})]), {}), 60_000)",
};

describe.each(ISOLATIONS)("a cancel in a %s", (isolation) => {
  it.each(Object.entries(AROUND))("closes the provider's socket through %s", (_, wrapper) =>
    withEngine({ isolation, setup: [setup(), setupOpened] }, async ({ run }) => {
      const before = provider.opened;
      const { value, error } = await run(`
        const step = (${wrapper})(openai.createStep());
        const ends = [];
        const until = (f) => new Promise((resolve) => { const look = () => f() ? resolve() : setTimeout(look, 5); look() });
        // What it gives resolves when the provider has been asked once more.
        const asked = () => { const before = opened(); return () => until(() => opened() > before) };
        // By signal, by id, by the callbacks' cancel, and by leaving a loop.
        const controller = new AbortController();
        const first = asked();
        const promise = step.startAsync("hi", { signal: controller.signal }).catch((reason) => ends.push(reason));
        await first();
        controller.abort("enough");
        await promise;
        let last;
        const second = asked();
        const id = step.runWithEvents("hi", (event) => { last = event.type });
        await second();
        step.cancel(id);
        await until(() => last === "interrupt");
        ends.push(last);
        const third = asked();
        await new Promise((resolve) => {
          const cancel = step.startWithCallbacks("hi", { onCancel: resolve, onDone: resolve });
          third().then(cancel);
        });
        const fourth = asked();
        for await (const event of step.events("hi")) { await fourth(); break }
        export default ends;`);
      expect(error).toBeUndefined();
      expect(value).toEqual(["enough", "interrupt"]);
      expect(provider.opened - before).toBeGreaterThanOrEqual(4);
      await provider.expectNoCalls();
    }),
  );

  it("by a timeout closes it too, in a blocking call as well", () =>
    withEngine({ isolation, setup: [setup()] }, async ({ run }) => {
      const { value } = await run(`
        const step = steps.withTimeout(steps.compose([steps.withRetry(openai.createStep(), {})]), 150);
        const names = [];
        try { await step.startAsync("hi") } catch (error) { names.push(error.name) }
        try { step.startBlocking("hi") } catch (error) { names.push(error.name) }
        export default names;`);
      expect(value).toEqual(["TimeoutError", "TimeoutError"]);
      await provider.expectNoCalls();
    }));

  it("by the host ends every run, also those that a blocking call waits for", () =>
    withEngine({ isolation, setup: [setup()] }, async ({ engine, run }) => {
      const script = run(`
        const ends = [];
        const step = steps.compose([steps.withRetry(openai.createStep(), {})]);
        try { step.startBlocking("hi") } catch (error) { ends.push(error.name) }
        try {
          steps.withRetry(steps.createLambdaStep(() => { throw new Error("no") }), { backoff: () => 60_000 }).startBlocking(1);
        } catch (error) { ends.push(error.name) }
        export default ends;`);
      const before = provider.opened;
      await expect.poll(() => provider.opened).toBeGreaterThan(before);
      engine.cancelRuns();
      await provider.expectNoCalls();
      await expect.poll(() => engine.cancelRuns()).toBeGreaterThan(0);
      expect(await script).toMatchObject({ ok: true, value: ["AbortError", "AbortError"] });
    }));

  it("is not waited for by a closed engine: a step that never ends keeps nothing alive", () =>
    withEngine({ isolation, setup: [setup()] }, async ({ engine, run }) => {
      const script = run(`
        const never = steps.createLambdaStep(() => new Promise(() => {}));
        steps.compose([never]).runWithEvents(1, () => {});
        steps.createParallelStep({ step: openai.createStep() }).runWithEvents(["a", "b"], () => {});`);
      await expect.poll(() => provider.open).toBe(2);
      await engine.close();
      expect(await script).toMatchObject({ ok: false });
      await provider.expectNoCalls();
      expect(engine.stats()).toMatchObject({ runs: 0, topics: 0 });
    }));
});
