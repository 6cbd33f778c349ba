import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { OtelTraceSpan } from "../../src/base/telemetry/otel-tracing.ts";
import { describe, expect, it } from "vitest";
import {
  EnginePool,
  RuntimeEngine,
  setupDefaults,
  setupTools,
  type RunScriptOptions,
  type RuntimeEngineOptions,
  type ScriptOutcome,
  type SetupFunction,
  type TelemetryOptions,
} from "../../src/index.ts";
import { treeOf, useCollector, type CollectedSpan } from "./collector.ts";
import { PUBLISHED_ATTRIBUTES, PUBLISHED_SPANS } from "./published-conventions.ts";

const collector = useCollector();

const models = setupDefaults({ env: {}, chat: { provider: "embedded", deltaMs: 0 } });
const orders: SetupFunction = async (vm) => {
  await vm.op("orders.find", async (id: unknown) => ({ id }));
  await vm.op("orders.count", () => 3, { mode: "sync" });
  await vm.op("orders.wait", async () => 4, { mode: "blocking" });
  await vm.op("orders.fail", async () => {
    throw Object.assign(new Error("a secret of the orders"), { code: "ERR_ORDERS" });
  });
  await vm.op("orders.never", () => new Promise(() => {}));
};

interface Traced {
  outcome: ScriptOutcome;
  spans: CollectedSpan[];
}

async function run(
  code: string,
  telemetry: Omit<TelemetryOptions, "tracer"> = {},
  options: RuntimeEngineOptions & RunScriptOptions = {},
): Promise<Traced> {
  const { signal, ...given } = options;
  await using engine = new RuntimeEngine({
    isolation: "thread",
    setup: [models, setupTools({ clock: { description: "Tells the time", run: () => "12:00" } }), orders],
    ...given,
    telemetry: { tracer: collector.tracer, ...telemetry },
  });
  await engine.start();
  const outcome = await engine.runScript({ code, name: "shop.js" }, signal === undefined ? {} : { signal });
  return { outcome, spans: await collector.collect() };
}

const AGENT = `
const add = { name: "add", description: "Adds one", input: { type: "object", properties: { a: { type: "number" } } }, async run({ a }) {
  await orders.find(1);
  await null;
  await new Promise((resolve) => setTimeout(resolve, 1));
  orders.count();
  return a + 1;
} };
const agent = new ChatStepFactory().newStep({ tools: [add, "clock"], temperature: 0.5, maxTokens: 99, stop: ["END"], seed: 7 });
const both = steps.compose([steps.createLambdaStep(async (text) => { await orders.find(2); return text; }), agent]);
await Promise.all([both.startAsync('call: add {"a":1}'), agent.startAsync("call: clock {}")]);
orders.wait();
await embeddings.generateEmbeddingAsync("hello");`;

const AGENT_TREE = [
  "script shop.js",
  "  op embedding_generate",
  "    embeddings use-lite-en",
  "  op orders.wait",
  "  step chat",
  "    chat demo",
  "    chat demo",
  "    execute_tool clock",
  "  step compose",
  "    step chat",
  "      chat demo",
  "      chat demo",
  "      execute_tool add",
  "        op orders.count",
  "        op orders.find",
  "    step lambda",
  "      op orders.find",
];

describe.each([
  ["thread", "with"],
  ["process", "with"],
  ["process", "without"],
] as const)("a script in a %s, %s a context manager,", (isolation, manager) => {
  it("gives one trace, with each part below what it was done for", async () => {
    if (manager === "with") context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const { outcome, spans } = await run(AGENT, {}, { isolation });
    expect(outcome.ok).toBe(true);
    expect(treeOf(spans)).toEqual(AGENT_TREE);
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
  });
});

describe("spans", () => {
  it("have the attributes of the published conventions, with their types, and no others of gen_ai", async () => {
    const { spans } = await run(AGENT, { contents: true });
    expect(spans.length).toBeGreaterThan(10);
    for (const { name, kind, attributes, types } of spans) {
      for (const [attribute, type] of Object.entries(types)) {
        if (attribute.startsWith("geppetto.")) continue;
        expect(PUBLISHED_ATTRIBUTES, name).toHaveProperty([attribute]);
        expect([attribute, type]).toEqual([attribute, otlpTypeOf(attribute, attributes[attribute])]);
      }
      const operation = attributes["gen_ai.operation.name"];
      if (operation === undefined) continue;
      const published = PUBLISHED_SPANS[operation as string]!;
      expect(name).toBe(`${operation as string} ${attributes[published.nameEndsWith] as string}`);
      // A model of this very process may be internal.
      expect(kind).toBe(1);
      const own = Object.keys(attributes).filter((attribute) => !attribute.startsWith("geppetto."));
      expect(published.known).toEqual(expect.arrayContaining(own));
      expect(own).toEqual(expect.arrayContaining([...published.required]));
    }
    const chat = spans.find(
      ({ name, attributes }) => name === "chat demo" && "gen_ai.system_instructions" in attributes,
    );
    expect(chat).toBeUndefined();
    expect(spans.find(({ name }) => name === "chat demo")!.attributes).toMatchObject({
      "gen_ai.provider.name": "embedded",
      "gen_ai.request.temperature": 0.5,
      "gen_ai.request.max_tokens": 99,
      "gen_ai.request.stop_sequences": ["END"],
      "gen_ai.request.seed": 7,
      "gen_ai.request.stream": true,
      "gen_ai.output.type": "text",
      "gen_ai.response.model": "demo",
      "gen_ai.response.finish_reasons": ["tool_calls"],
    });
    expect(spans.find(({ name }) => name === "execute_tool add")!.attributes).toMatchObject({
      "gen_ai.tool.type": "function",
      "gen_ai.tool.description": "Adds one",
      "gen_ai.tool.call.arguments": '{"a":1}',
      "gen_ai.tool.call.result": "2",
    });
    expect(spans.find(({ name }) => name === "embeddings use-lite-en")!.attributes).toMatchObject({
      "gen_ai.embeddings.dimension.count": 512,
    });
  });

  it("hold prompts, answers, and what tools get and give, only where that is asked for", async () => {
    const code = `const run = () => "canary of the tool";
      const tools = [{ name: "look", description: "", input: { type: "object" }, run }];
      const step = new ChatStepFactory().newStep({ tools, system: "canary of the system" });
      await step.startAsync('call: look {"canary":"arguments"}');
      await chat("echo: canary of the answer");
      await orders.fail().catch(() => {});
      await chat("error: 429 canary").catch(() => {});
      await steps.createLambdaStep(() => { throw new Error("canary of an error") }).startAsync(1).catch(() => {});`;
    const without = await run(code);
    expect(without.outcome.ok).toBe(true);
    expect(JSON.stringify(without.spans)).not.toMatch(/canary|secret/);
    const { spans } = await run(code, { contents: true });
    const [first] = spans.filter(({ name }) => name === "chat demo");
    expect(JSON.parse(first!.attributes["gen_ai.system_instructions"] as string)).toEqual([
      { type: "text", content: "canary of the system" },
    ]);
    expect(JSON.parse(first!.attributes["gen_ai.input.messages"] as string)).toEqual([
      { role: "user", parts: [{ type: "text", content: 'call: look {"canary":"arguments"}' }] },
    ]);
    expect(JSON.parse(first!.attributes["gen_ai.output.messages"] as string)).toEqual([
      {
        role: "assistant",
        parts: [{ type: "tool_call", id: "demo_call_1", name: "look", arguments: { canary: "arguments" } }],
        finish_reason: "tool_calls",
      },
    ]);
    expect(spans.find(({ name }) => name === "op orders.fail")!.statusMessage).toMatch(/secret/);
  });

  it("say with what work has failed", async () => {
    const { outcome, spans } = await run(`
      await orders.fail().catch(() => {});
      await chat("error: 429").catch(() => {});
      const thrown = steps.createLambdaStep(() => { throw new TypeError("no") });
      await steps.compose([thrown]).startAsync(1).catch(() => {});
      const run = () => { throw Object.assign(new Error("no"), { code: "ERR_" + "\\n".repeat(9), name: "no name" }) };
      const tools = [{ name: "bad", description: "", input: { type: "object" }, run }];
      await new ChatStepFactory().newStep({ tools }).startAsync("call: bad {}");
      throw new RangeError("the end");`);
    expect(outcome.end).toBe("uncaught");
    expect(treeOf(spans)).toEqual([
      "script shop.js !RangeError",
      "  op orders.fail !Error",
      "  step chat !ERR_RATE_LIMIT",
      "    chat demo !ERR_RATE_LIMIT",
      "  step chat",
      "    chat demo",
      "    chat demo",
      "    execute_tool bad !_OTHER",
      "  step compose !ERR_STEP",
      "    step lambda !ERR_STEP",
    ]);
  });

  it("say what was cancelled, and end although what they tell of does not", async () => {
    const { outcome, spans } = await run(`
      const long = new ChatStepFactory().newStep();
      const interrupted = new Promise((resolve) => {
        const id = long.runWithEvents("echo: " + "word ".repeat(500), ({ type }) => {
          if (type === "partial") long.cancel(id);
          if (type === "interrupt") resolve();
        });
      });
      const given = new AbortController();
      const never = steps.createLambdaStep(() => { setTimeout(() => given.abort(), 0); return orders.never() });
      await Promise.all([interrupted, never.startAsync(1, { signal: given.signal }).catch(() => {})]);
      done();`);
    expect(outcome.end).toBe("done");
    expect(treeOf(spans)).toEqual([
      "script shop.js",
      "  step chat !ERR_ABORTED",
      "    chat demo !ERR_ABORTED",
      "  step lambda !ERR_ABORTED",
      "    op orders.never !ERR_ABORTED",
    ]);
    const abort = new AbortController();
    const end: SetupFunction = (vm) => vm.op("end", () => abort.abort());
    const { spans: last } = await run("await end(); await end()", {}, { signal: abort.signal, setup: [end] });
    expect(last.find(({ name }) => name === "script shop.js")).toMatchObject({
      isError: true,
      attributes: { "geppetto.script.end": "aborted", "error.type": "ERR_ABORTED" },
    });
  });

  it("of parallel runs do not get mixed up", async () => {
    const { outcome, spans } = await run(`
      const step = steps.createLambdaStep(async (n) => {
        await new Promise((resolve) => setTimeout(resolve, n % 3));
        await orders.find(n);
        await null;
        await orders.find(n);
        return n;
      });
      await steps.createParallelStep({ maxConcurrency: 8, step }).startAsync([1, 2, 3, 4, 5, 6, 7, 8]);
      await Promise.all([9, 10].map((n) => step.startAsync(n)));`);
    expect(outcome.ok).toBe(true);
    const lambda = (depth: number): string[] => [
      `${"  ".repeat(depth)}step lambda`,
      ...["", ""].map(() => `${"  ".repeat(depth + 1)}op orders.find`),
    ];
    expect(treeOf(spans)).toEqual([
      "script shop.js",
      ...lambda(1),
      ...lambda(1),
      "  step parallel",
      ...Array.from({ length: 8 }, () => lambda(2)).flat(),
    ]);
  });

  it("of a session are one for each part that is run", async () => {
    await using engine = new RuntimeEngine({
      isolation: "thread",
      telemetry: { tracer: collector.tracer },
      setup: [models, orders],
    });
    await engine.start();
    const session = engine.session();
    await session.run("const found = await orders.find(1)");
    await session.run(`await chat("echo: " + found.id)`);
    await session.close();
    expect(treeOf(await collector.collect())).toEqual([
      "script session.js",
      "  op orders.find",
      "script session.js",
      "  step chat",
      "    chat demo",
    ]);
  });

  it("of steps that are waited for in one turn are below each other too", async () => {
    const { outcome, spans } = await run(`
      const inner = steps.createLambdaStep((n) => { orders.count(); return n + 1 });
      steps.compose([inner, (all) => { orders.wait(); return all }, inner]).startBlocking(1);
      orders.count();`);
    expect(outcome.ok).toBe(true);
    expect(treeOf(spans)).toEqual([
      "script shop.js",
      "  op orders.count",
      "  step compose",
      "    op orders.wait",
      "    step lambda",
      "      op orders.count",
      "    step lambda",
      "      op orders.count",
    ]);
  });

  it("of what callbacks do belong to where the run was started", async () => {
    const { spans } = await run(`
      await new Promise((resolve) => chatStep().runWithEvents("echo: a", async ({ type }) => {
        if (type === "start") await orders.find(1);
        if (type === "final") resolve();
      }));
      function chatStep() { return new ChatStepFactory().newStep() }`);
    expect(treeOf(spans)).toEqual(["script shop.js", "  op orders.find", "  step chat", "    chat demo"]);
  });

  it("carry the names of a script's own that are too long, or no text, only in part", async () => {
    const { outcome, spans } = await run(
      `
      await chat("echo: a", { model: "m".repeat(100_000) + "\\ud800" });
      const run = () => "x".repeat(1_000_000);
      const tools = [{ name: "t".repeat(60), description: "d".repeat(500_000), input: { type: "object" }, run }];
      await new ChatStepFactory().newStep({ tools }).startAsync("call: " + "t".repeat(60) + " {}");
      await new ChatStepFactory().newStep().startAsync({ messages: Array.from({ length: 300 }, () => ({ role: "user", content: "y".repeat(10_000) })) });`,
      { contents: true },
    );
    expect(outcome.error?.message).toBeUndefined();
    for (const { name, attributes } of spans) {
      expect(name.length).toBeLessThanOrEqual(200);
      for (const value of Object.values(attributes)) expect(String(value).length).toBeLessThanOrEqual(100_000);
      const messages = attributes["gen_ai.input.messages"];
      if (messages !== undefined) JSON.parse(messages as string);
    }
  });

  it("below those of the app that runs the script, and above those of its own ops", async () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const { tracer } = collector;
    const spans: CollectedSpan[] = [];
    const lookUp: SetupFunction = (vm) =>
      vm.op("lookUp", async () => {
        await Promise.resolve();
        return tracer.startActiveSpan("database", (span) => span.end());
      });
    await tracer.startActiveSpan("request", async (span) => {
      spans.push(...(await run("await lookUp()", {}, { setup: [lookUp] })).spans);
      span.end();
    });
    spans.push(...(await collector.collect()));
    expect(treeOf(spans)).toEqual(["request", "  script shop.js", "    op lookUp", "      database"]);
  });
});

/** What OTLP calls the type of a value of an attribute; a double that is whole is an integer to JavaScript. */
function otlpTypeOf(attribute: string, value: unknown): string {
  const type = PUBLISHED_ATTRIBUTES[attribute]!;
  if (type === "double") return Number.isInteger(value) ? "intValue" : "doubleValue";
  const names = {
    int: "intValue",
    boolean: "boolValue",
    "string[]": "arrayValue",
    string: "stringValue",
    any: "stringValue",
  };
  return names[type];
}

describe("two tenants", () => {
  it("have traces of their own, also where their work is done within each other's", async () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const { tracer } = collector;
    await using pool = new EnginePool({
      size: 2,
      isolation: "thread",
      telemetry: { tracer },
      setup: [models, orders],
    });
    const ask = (tenant: string): Promise<unknown> =>
      tracer.startActiveSpan(`request of ${tenant}`, async (span) => {
        const code = `await Promise.all([chat("echo: ${tenant}"), orders.find(1)]); await chat("echo: again");`;
        await pool.run({ code, name: `${tenant}.js` }, { tenant });
        span.end();
      });
    await Promise.all(["anna", "ben", "anna", "ben"].map(ask));
    const spans = await collector.collect();
    const own = (tenant: string): string[] => [
      `request of ${tenant}`,
      `  script ${tenant}.js`,
      "    op orders.find",
      "    step chat",
      "      chat demo",
      "    step chat",
      "      chat demo",
    ];
    expect(treeOf(spans)).toEqual([...own("anna"), ...own("anna"), ...own("ben"), ...own("ben")]);
    for (const all of Map.groupBy(spans, ({ traceId }) => traceId).values()) {
      expect(new Set(all.map(({ attributes }) => attributes["geppetto.tenant"]).filter(Boolean)).size).toBe(1);
    }
  });

  it("are told of what an op of one runs for the other, below that op; an engine without telemetry tells nobody", async () => {
    const other = async (telemetry: RuntimeEngineOptions["telemetry"]): Promise<void> => {
      await using inner = new RuntimeEngine({
        isolation: "thread",
        setup: [models],
        ...(telemetry === undefined ? {} : { telemetry }),
      });
      await inner.start();
      await inner.runScript({ code: `await chat("echo: inner")`, name: "inner.js" }, { tenant: "ben" });
    };
    const nest: SetupFunction = async (vm) => {
      await vm.op("told", () => other({ tracer: collector.tracer }));
      await vm.op("untold", () => other(undefined));
    };
    const { outcome, spans } = await run("await told(); await untold();", {}, { setup: [nest] });
    expect(outcome.ok).toBe(true);
    expect(treeOf(spans)).toEqual([
      "script shop.js",
      "  op told",
      "    script inner.js",
      "      step chat",
      "        chat demo",
      "  op untold",
    ]);
  });
});

describe("a tracer", () => {
  it("that throws changes nothing", async () => {
    const broken = {
      startSpan: () => {
        throw new Error("no spans today");
      },
    };
    const half = {
      startSpan: () => ({ ...trace.wrapSpanContext({ traceId: "", spanId: "", traceFlags: 0 }), end: undefined }),
    };
    const reject = (): Promise<never> => Promise.reject(new Error("no spans today"));
    const late = { startSpan: () => ({ setAttributes: reject, setStatus: reject, end: reject, spanContext: reject }) };
    for (const tracer of [broken, half, { startSpan: reject }, late]) {
      const { outcome, spans } = await run(AGENT, { tracer } as object);
      expect([outcome.ok, spans]).toEqual([true, []]);
    }
  });

  it("runs what is below a span once, whatever the manager of contexts does", () => {
    const fail = (): never => {
      throw new Error("no contexts today");
    };
    for (const inContext of [fail, (_: unknown, fn: () => void) => (fn(), fail()), () => {}]) {
      const api = { context: { with: inContext } };
      const span = new OtelTraceSpan(api as never, undefined, {} as never, {} as never, false);
      let runs = 0;
      expect(span.run(() => ++runs)).toBe(1);
      expect(() =>
        span.run(() => {
          throw new Error(`run ${++runs}`);
        }),
      ).toThrow("run 2");
    }
  });

  it("is asked for by options that are checked when the engine is made", () => {
    const made = (telemetry: unknown) => (): unknown => new RuntimeEngine({ telemetry } as RuntimeEngineOptions);
    expect(made("yes")).toThrow(/telemetry must be true or an object with tracer, meter, metrics, contents/);
    expect(made({ tracr: true })).toThrow(/there is no option "tracr"; did you mean "tracer"\?/);
    expect(made({ tracer: {} })).toThrow(/telemetry\.tracer must be true or a Tracer/);
    expect(made({ meter: 5 })).toThrow(/telemetry\.meter must be true or a Meter/);
    expect(made({ metrics: {} })).toThrow(/telemetry\.metrics must be what createMetrics\(\) gives/);
    expect(made({ contents: "all" })).toThrow(/telemetry\.contents must be true or false/);
    expect(() => new EnginePool({ telemetry: { contnts: true } as object })).toThrow(/did you mean "contents"\?/);
  });
});
