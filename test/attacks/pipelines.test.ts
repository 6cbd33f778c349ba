import { type Attack, describeAttacks } from "./attack.ts";

const WALL = "ERR_LIMIT_WALL";
const REFUSED: readonly string[] = ["done", WALL];
const WIDE = `pipeline.branch(...Array.from({ length: 90 }, () => (x) => null))`;

const PIPELINES: Attack[] = [
  {
    name: "sends metadata without measure down many ways",
    code: `
      const metadata = Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => ["k" + i, 1]));
      const p = pipeline.chain((x) => pipeline.element("text", x, { metadata }), ${WIDE});
      await p.startAsync("x").catch((error) => done([error.name, error.cause?.code]));`,
    ends: "done",
    value: ["StageError", "ERR_LIMIT"],
  },
  {
    name: "sends large values down many ways until the host holds no more",
    code: `
      const p = pipeline.chain((n) => [Array.from({ length: n }, () => 1)], ${WIDE});
      await p.startAsync(3e5).catch((error) => done(error.cause?.code));`,
    ends: REFUSED,
  },
  {
    name: "sends many large values through many stages",
    code: `
      const p = pipeline.chain(...Array.from({ length: 99 }, () => (x) => [x]));
      await p.startAsync(Array.from({ length: 20 }, () => ["x".repeat(1e5)])); done();`,
    ends: REFUSED,
  },
  {
    name: "runs the widest of pipelines as often as it may at a time",
    code: `
      const wide = pipeline.branch(...Array.from({ length: 31 }, () => (x) => x));
      const p = pipeline.chain(wide, wide);
      const runs = Array.from({ length: 2000 }, () => p.startAsync([]).catch((error) => error.code));
      done((await Promise.all(runs)).includes("ERR_LIMIT_RUNS"));`,
    ends: REFUSED,
  },
  {
    name: "multiplies elements with every stage",
    code: `
      const p = pipeline.chain(...Array.from({ length: 50 }, () => (x) => [x, x]));
      for await (const _ of p.stream("x"));`,
    ends: [WALL, "uncaught *"],
  },
  {
    name: "draws pipelines without end",
    code: `
      const wide = pipeline.branch(...Array.from({ length: 31 }, () => (x) => x));
      for (;;) pipeline.chain(wide, wide).toMermaid();`,
    ends: WALL,
  },
  {
    name: "draws a pipeline with figures without measure",
    code: `
      const stages = Array.from({ length: 3e4 }, () => ({ stage: "x", elementsIn: 1 }));
      done(pipeline.chain(pipeline.stage("x", (x) => x)).toMermaid({ stages }).length < 1000);`,
    ends: "done",
    value: true,
  },
  {
    name: "nests pipelines in pipelines",
    code: `
      let p = pipeline.chain((x) => x);
      for (let i = 0; i < 2000; i++) p = pipeline.chain(p);
      await p.startAsync(1).catch((error) => done(error.name)); done();`,
    ends: [...REFUSED, "uncaught *"],
  },
  {
    name: "has a stage that never comes back, and cancels",
    code: `
      const p = pipeline.chain(() => new Promise(() => {}), (x) => x);
      const run = p.startAsync([1, 2, 3]).catch((error) => error.name);
      setTimeout(() => p.cancel(), 20);
      done(await run);`,
    ends: "done",
    value: "AbortError",
  },
  {
    name: "has a stage that never comes back, and waits",
    code: `await pipeline.chain((x) => { for (;;); }).startAsync(1);`,
    ends: WALL,
  },
  {
    name: "starts pipelines and is done",
    code: `
      const p = pipeline.chain((x) => [x, x], async (x) => { await new Promise((r) => setTimeout(r, 5)); return [x, x]; });
      for (let i = 0; i < 200; i++) void p.startAsync(Array.from({ length: 50 }, () => 1)).catch(() => {});
      await new Promise((r) => setTimeout(r, 30));
      done(1);`,
    ends: "done",
    value: 1,
  },
  {
    name: "fails in the middle of calls to many of its stages",
    code: `
      const p = pipeline.chain(pipeline.branch(...Array.from({ length: 40 }, (_, i) => (x) => { if (x === i) throw new Error("boom"); return x; })), (x) => x);
      const runs = Array.from({ length: 40 }, () => p.startAsync([50, 51, 7, 52]).catch((error) => error.name));
      done([...new Set(await Promise.all(runs))]);`,
    ends: "done",
    value: ["StageError"],
  },
  {
    name: "poisons prototypes through the metadata and the names of stages",
    code: `
      const metadata = JSON.parse('{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}}');
      const p = pipeline.chain(
        pipeline.stage("__proto__", (x) => pipeline.element("text", x, { metadata })),
        pipeline.branch(pipeline.stage("constructor", (x, context) => String(context.metadata.polluted))),
        pipeline.stage("toString", (x) => x + String({}.polluted)),
      );
      done([...await p.startAsync("x")]);`,
    ends: "done",
    value: ["undefinedundefined"],
  },
];

describeAttacks("pipelines", PIPELINES);
