import { afterAll, describe, expect, it } from "vitest";
import { runCli, ScriptFolder } from "../run-cli.ts";
import { ScriptReports } from "./script-reports.ts";

const reports = new ScriptReports();
const folder = new ScriptFolder();
afterAll(async () => {
  folder.remove();
  await reports[Symbol.asyncDispose]();
});

const STEP = "const step = new ChatStepFactory().newStep();\n";

/** The hint of the error that a script ends with; undefined where it has none. */
async function hintOf(code: string, label = "script.js"): Promise<unknown> {
  const { document, outcome } = await reports.of(code, { label });
  expect(outcome.error).toBeDefined();
  return document["hint"];
}

describe("an error about what is not there says what there is:", () => {
  it.each([
    ["__dirname", /without __dirname: paths start from the script's own folder/],
    ["__filename", /import\.meta\.url/],
    ["require('fs')", /ES modules and have no require\(\): write import/],
    ["module.exports = 1", /use export default/],
    ["exports.x = 1", /use export default/],
    ["global.x", /use globalThis/],
    ["process.cwd()", /no working directory/],
    ["globalThis.process.cwd()", /no working directory/],
    ["process.nextTick(() => {})", /queueMicrotask/],
    ["process.on('exit', () => {})", /try and catch/],
    ["process.stdin.on('data', () => {})", /--input/],
    ["process.versions.node", /nothing of Node's own/],
    ["process.hrtime.bigint()", /performance\.now/],
    ["new XMLHttpRequest()", /use fetch\(\)/],
    ["new WebSocket('wss://a.b')", /there are no sockets/],
    ["Buffer.from('x')", /Uint8Array/],
    ["window.alert(1)", /not in a browser: use globalThis/],
    ["document.title", /not in a browser/],
    ["alert(1)", /console\.log/],
    ["prompt('name?')", /--input/],
    ["localStorage.getItem('x')", /not in a browser/],
    ["Deno.readTextFile('x')", /not in Deno/],
    ["Bun.file('x')", /not in Bun/],
    ["fs.readFileSync('x')", /nothing of Node's own/],
    ["crypto.subtle.digest('x')", /randomUUID/],
    ["import.meta.dirname.length", /script's own folder/],
    ["import.meta.resolve('x')", /import takes a name that is written out/],
    ["this.x", /this is undefined in an ES module/],
    ["print('x')", /console\.log/],
    ["input()", /--input/],
    ["openai.newStep()", /openai\.createStep/],
    ["Conversation()", /write new Conversation\(…\)/],
    ["foo(1); const foo = 1;", /declared further down/],
  ])("%s", async (code, hint) => {
    expect(await hintOf(code)).toMatch(hint);
  });

  it("and nothing of what a script has itself", async () => {
    expect(await hintOf("const fetch = 1; const Buffer = undefined; Buffer.from.x")).toBeUndefined();
  });
});

describe("an error about a name says which one may be meant:", () => {
  it.each([
    ["Conversaton", "Conversation"],
    ["new Converstion()", "Conversation"],
    ["conversation = new conversation()", "Conversation"],
    ["emedings.getModel()", "embeddings"],
    ["setTimeot(() => {}, 1)", "setTimeout"],
    ["Pipeline.chain()", "pipeline"],
    ["const total = 1; totl + 1", "total"],
    ["function summarise() {} sumarise()", "summarise"],
    ["console.lgo(1)", "console.log"],
    ["console.Log(1)", "console.log"],
    ["JSON.strngify({})", "JSON.stringify"],
    ["Math.flor(1)", "Math.floor"],
    ["steps.withRety()", "steps.withRetry"],
    ["steps.parallel()", undefined],
    ["embeddings.generateEmbeding('x')", "embeddings.generateEmbedding"],
    ["embeddings.generate('x')", "embeddings.generateEmbedding"],
    ["process.exitt(1)", "process.exit"],
    ["new Conversation().addMesage('user', 'x')", "addMessage"],
    ["const c = new Conversation(); c.addMesage('user', 'x')", "c.addMessage"],
    [`${STEP}step.run('x')`, "step.runWithEvents"],
    [`${STEP}step.start('x')`, "step.startAsync"],
    [`${STEP}step.runWithEvent('x', () => {})`, "step.runWithEvents"],
    ["new ChatSession().nex('x')", "next"],
    ["const session = new ChatSession(); session.nex('x')", "session.next"],
    ["ChatStepFactory.newStep()", "new ChatStepFactory().newStep"],
    ["[1].foreach((x) => x)", "[1].forEach"],
    ["const text = 'x'; text.trimm()", "text.trim"],
    ["const map = new Map(); map.gett(1)", "map.get"],
    ["class Shop { order() {} } const shop = new Shop(); shop.orders()", "shop.order"],
    ["const shop = { sell: (x) => x }; shop.selll(1)", "shop.sell"],
    ["const item = {}; item.eat()", undefined],
    ["nothingLikeThis()", undefined],
    ["const o = {}; o['add-message']()", undefined],
  ])("%s", async (code, meant) => {
    expect(await hintOf(code)).toBe(meant === undefined ? undefined : `did you mean ${meant}?`);
  });

  it("also of what a host app has given to scripts", async () => {
    const { RuntimeEngine } = await import("../../../src/index.ts");
    const setup = [
      async (vm: import("../../../src/index.ts").Vm) => {
        await vm.op("orders.find", async () => 1);
      },
    ];
    await using engine = new RuntimeEngine({ isolation: "thread", setup });
    await engine.start();
    expect((await engine.runScript({ code: "orders.fnd(1)" })).error?.hint).toBe("did you mean orders.find?");
    expect((await engine.runScript({ code: "order.find(1)" })).error?.hint).toBe("did you mean orders?");
  });

  it("runs nothing of the script's own to find out", async () => {
    const { output, document } = await reports.of(
      `Object.defineProperty(globalThis, "tricky", { get() { console.log("ran"); return 1; }, configurable: true });
      tricki;`,
    );
    expect(document["hint"]).toBe("did you mean tricky?");
    expect(output.out).toBe("");
  });
});

describe("an error that comes from a forgotten await says so:", () => {
  it.each([
    [`const answer = chat("echo: x"); answer.text.length`, "answer comes from a promise: put await before chat(…)"],
    [`const answer = chat("echo: x"); answer.trim()`, "answer comes from a promise: put await before chat(…)"],
    [`const { text } = chat("echo: x");\ntext.length`, "text comes from a promise: put await before chat(…)"],
    [`let answer;\nanswer = chat("echo: (x");\nanswer.a.b`, "answer comes from a promise: put await before chat(…)"],
    [`const answer = chat("echo: x").text;\nanswer.length`, "answer comes from a promise: put await before chat(…)"],
    [`chat("echo: x").trim()`, "chat(…) gives a promise: put await before it"],
    [`doubleStep.startAsync(1)[0].toFixed()`, "doubleStep.startAsync(…) gives a promise: put await before it"],
    [`const [a] = doubleStep.startAsync(1);`, "doubleStep.startAsync(…) gives a promise: put await before it"],
    [`for (const a of doubleStep.startAsync([1]));`, "doubleStep.startAsync(…) gives a promise: put await before it"],
    [
      `const all = doubleStep.startAsync(1);\nfor (const a of all);`,
      "all comes from a promise: put await before doubleStep.startAsync(…)",
    ],
    [
      `const all = doubleStep.startAsync(1);\nall.map((x) => x);`,
      "all comes from a promise: put await before doubleStep.startAsync(…)",
    ],
    [
      `const all = doubleStep.startAsync(1);\nnew Map(all);`,
      "all comes from a promise: put await before doubleStep.startAsync(…)",
    ],
    [
      `const v = embeddings.generateEmbeddingAsync("x");\nv.slice(1);`,
      "v comes from a promise: put await before embeddings.generateEmbeddingAsync(…)",
    ],
    [
      `const session = new ChatSession();\nconst m = session.next("echo: x");\nm.text.length`,
      "m comes from a promise: put await before session.next(…)",
    ],
    [
      `async function load() { return { a: 1 }; }\nconst value = load();\nvalue.a.b`,
      "value comes from a promise: put await before load(…)",
    ],
    [`const load = async () => ({});\nload().a.b`, "load(…) gives a promise: put await before it"],
    [
      `const api = { async load() { return {}; } };\napi.load().a.b`,
      "api.load(…) gives a promise: put await before it",
    ],
    [
      `class Shop { load = async () => ({}); }\nconst shop = new Shop();\nconst stock = shop.load();\nstock.a.b`,
      "stock comes from a promise: put await before shop.load(…)",
    ],
    [
      `const all = ["a"].map((x) => chat("echo: " + x));\nall[0].trim()`,
      "all holds promises: use await Promise.all(all)",
    ],
    [
      `const all = ["a"].map(async (x) => await chat("echo: " + x));\nall[0].text.trim()`,
      "all holds promises: use await Promise.all(all)",
    ],
    [`new Conversation().addMessage("user", chat("echo: x"))`, "chat(…) is a promise: put await before it"],
    [
      `const answer = chat("echo: x");\nnew Conversation().addMessage("user", answer)`,
      "answer is a promise: put await before it",
    ],
    [`await doubleStep.startAsync(chat("echo: 1"))`, "chat(…) is a promise: put await before it"],
    [`await doubleStep.startAsync([chat("echo: 1")])`, "chat(…) is a promise: put await before it"],
    [`JSON.parse(chat("echo: x"))`, "a promise was used as a text: put await before the call that gave it"],
    [`for (const event of doubleStep.events(1));`, "events() and stream() are asynchronous: write for await"],
    [
      `const events = doubleStep.events(1);\nfor (const event of events);`,
      "events() and stream() are asynchronous: write for await",
    ],
  ])("%s", async (code, hint) => {
    expect(await hintOf(code)).toBe(hint);
  });

  it.each([
    [`const answer = await chat("echo: x"); answer.a.b`],
    [`const promise = chat("echo: x"); const answer = await promise; answer.a.b`],
    [`let answer = chat("echo: x"); answer = await answer; answer.a.b`],
    [`const answer = (await chat("echo: x")).text; answer.length`],
    [`const make = () => ({}); make().a.b`],
    [`const list = [1].map((x) => x); list[0].a.b`],
    [`const list = await Promise.all([1].map((x) => chat("echo: " + x))); list[0].a.b`],
    [`function* count() { yield 1; } const first = count().next(); first.a.b`],
  ])("but not where there is none: %s", async (code) => {
    expect(await hintOf(code)).toBeUndefined();
  });

  it("a promise that nobody awaits is fine", async () => {
    expect((await reports.of(`chat("echo: x"); doubleStep.startAsync(1);`)).outcome.ok).toBe(true);
  });
});

describe("a script that does not load is told what to do:", () => {
  it.each([
    ["TypeScript in a .js file", "const x: number = 1;", "script.js", "TypeScript needs a name that ends in .ts"],
    [
      "an interface in a .js file",
      "interface Cup { size: number }",
      "script.js",
      "TypeScript needs a name that ends in .ts",
    ],
    [
      "await in a plain function",
      "function f() { await 1; }",
      "script.js",
      "put async before the function that awaits",
    ],
    [
      "import in a .cjs file",
      'import x from "y";',
      "script.cjs",
      "a .cjs file is a classic script, without import, export and await at its top: name it .js or .mjs",
    ],
    [
      "await in a .cjs file",
      "await 1;",
      "script.cjs",
      "a .cjs file is a classic script, without import, export and await at its top: name it .js or .mjs",
    ],
    ["something else", "const x = ;", "script.js", undefined],
    ["a colon that is no type", "const x = { a: 1, b: };", "script.js", undefined],
  ])("%s", async (_, code, label, hint) => {
    expect(await hintOf(code, label)).toBe(hint);
  });
});

describe.concurrent("on the command line", () => {
  it("a hint is one line under the error, and a field of the document", async () => {
    const script = folder.file("slip.js", "const c = new Conversation();\nc.addMesage('user', 'x');\n");
    const { stderr } = await runCli(["run", "--no-log", script], { cwd: folder.path });
    expect(stderr).toMatch(/\n {4}at slip\.js:2:3\nhint: did you mean c\.addMessage\?\n$/);
    const { stdout } = await runCli(["run", "--json", "--no-log", script]);
    expect(JSON.parse(stdout)).toMatchObject({ error: { hint: "did you mean c.addMessage?", line: 2 } });
  });

  it("a script that prints a promise is told once that it is one", async () => {
    const code = `console.log(doubleStep.startAsync(1)); console.log("x", Promise.resolve(2), [Promise.resolve(3)]);`;
    const { stdout, stderr } = await runCli(["eval", "--no-log", code]);
    expect(stdout).toBe("Promise {}\nx Promise {} [ Promise {} ]\n");
    expect(stderr).toBe("hint: the script prints a promise, which shows nothing of its value: await it first\n");
    expect((await runCli(["eval", "-q", "--no-log", code])).stderr).toBe("");
    expect((await runCli(["eval", "--no-log", `console.log([Promise.resolve(1)], { then: 1 }, null)`])).stderr).toBe(
      "",
    );
  });
});
