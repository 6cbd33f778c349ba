/** Scripts that say the same however often they are interrupted: what they print and give depends on no time and no chance. */
export const LASTING_SCRIPTS: Readonly<Record<string, string>> = {
  "ops one after the other": `
    const out = [];
    for (let i = 0; i < 4; i++) { out.push(await pay(i)); console.log(out.at(-1)); }
    export default out;`,
  "ops at the same time": `
    const all = await Promise.all([pay(1), read("a"), pay(2), read("b"), pay(3)]);
    console.log(all.join());
    const settled = await Promise.allSettled([fail("no"), pay(4)]);
    export default [all, settled.map(({ status, value, reason }) => status + (value ?? reason.message))];`,
  "values of the store": `
    const visits = ((await store.get("visits")) ?? 0) + 1;
    await store.set("visits", visits);
    await Promise.all([store.set("k", 1), pay(visits), store.set("k", 2), store.set("other", { visits })]);
    console.log(visits, await store.get("k"), (await store.list()).join());
    const gone = [await store.delete("other"), await store.delete("other")];
    const full = await store.set("k".repeat(513), 1).catch(({ code }) => code);
    await pay(2);
    export default [visits, gone, full, await store.get("visits"), await store.list()];`,
  "a race": `
    let late;
    const first = await Promise.race([pay(1), new Promise((r) => (late = setTimeout(() => r("late"), 600_000)))]);
    clearTimeout(late);
    console.log("first", first);
    const rest = await pay(2);
    export default [first, rest];`,
  timers: `
    const seen = [];
    setTimeout(() => seen.push("c"), 12);
    setTimeout(() => seen.push("a"), 1);
    setTimeout(() => seen.push("b"), 6);
    let ticks = 0;
    await new Promise((resolve) => { const t = setInterval(() => { console.log("tick", ++ticks); if (ticks === 3) { clearInterval(t); resolve(); } }, 7); });
    await new Promise((resolve) => setTimeout(resolve, 10));
    await pay(seen.length);
    console.log(seen.join(""));
    export default seen;`,
  "calls that answer at once": `
    const a = stampNow("x");
    console.log(a);
    const b = payNow(5);
    console.log(b);
    const c = stampNow("y");
    export default [a, b, c, crypto.randomUUID().length];`,
  "catch around everything": `
    const out = [];
    try { out.push(await fail("first")); } catch (error) { out.push(error.message); } finally { out.push("finally"); }
    try { await Promise.race([fail("second"), pay(1)]); out.push("none"); } catch (error) { out.push("caught"); }
    try { JSON.parse("{"); } catch { out.push(await pay(2)); }
    console.log(out.join());
    export default out;`,
  "microtasks and timers": `
    const log = [];
    queueMicrotask(() => log.push("micro"));
    setImmediate(() => log.push("immediate"));
    await null;
    log.push("await");
    await pay(1);
    setTimeout(() => log.push("timeout"), 3);
    await new Promise((resolve) => setTimeout(resolve, 8));
    console.log(log.join());
    export default log;`,
  "a chat": `
    const answer = await chat("hello there my friend");
    console.log(answer);
    await pay(1);
    const [message] = await new ChatStepFactory().newStep().startAsync("again");
    console.log(String(message));
    export default [answer, String(message), message.metadata.usage.outputTokens];`,
  "a chat that blocks": `
    const [message] = new ChatStepFactory().newStep().startBlocking("hello you");
    console.log(String(message));
    const paid = payNow(2);
    const [again] = new ChatStepFactory().newStep().startBlocking("bye");
    export default [String(message), paid, String(again)];`,
  "hooks of tools": `
    const tool = { name: "pay", description: "pays", input: { type: "object" }, run: async ({ n }) => pay(n) };
    const seen = [];
    const hooks = {
      beforeTool: async (call, { attempt }) => { seen.push(["before", call.input.n, attempt, await read("b" + attempt)]); return { input: { n: call.input.n + attempt } }; },
      afterTool: async (call, { result }, { attempt }) => { await pay(attempt); console.log("after", result, attempt); return attempt < 2 ? { retry: true } : { result: "twice " + result }; },
    };
    const step = new ChatStepFactory().newStep({ tools: [tool], hooks });
    const [message] = await step.startAsync('call pay({"n":1})');
    console.log(String(message));
    export default [seen, String(message)];`,
  "a context that is summarized": `
    const session = new ChatSession({ context: { maxTokens: 120, compact: "summarize" } });
    const changes = [];
    for (let i = 0; i < 3; i++) {
      const message = await session.next("say:" + ("turn" + i + "_").repeat(12));
      console.log(i, String(message).length, await pay(i));
      changes.push(message.metadata.contextChanges ?? 0);
    }
    const compact = async (messages, { tokens }) => { await pay(tokens); return [{ role: "user", content: "short" }]; };
    const own = await chat("word ".repeat(80), { context: { maxTokens: 60, compact } });
    console.log(own);
    export default [changes, session.toJSON().summary?.text, own];`,
  "a sub-script": `
    const { value, output } = await runScript("console.log('begins'); Number(input()) * 6", { input: 7 });
    console.log(output.trim(), value);
    await pay(value);
    const double = { double: (n) => n * 2 };
    let asked;
    // Where it was interrupted when it had called a tool, that is said.
    for (let i = 0; asked === undefined && i < 9; i++) {
      asked = await runScript("await tools.double(await tools.double(2))", { tools: double }).catch((error) => {
        if (error.code !== "ERR_RUN_INTERRUPTED" || !error.isTransient) throw error;
      });
    }
    console.log(asked.value);
    export default [value, asked.value, asked.calls, await pay(2)];`,
  "tools in parallel": `
    let runs = 0;
    const tool = (name) => ({ name, description: name, input: { type: "object", properties: { n: { type: "number" } } },
      run: async ({ n }) => { runs++; return name + " " + (await pay(n)); } });
    const step = new ChatStepFactory().newStep({ tools: [tool("one"), tool("two")] });
    const [message] = await step.startAsync('call one({"n":1}); two({"n":2}); one({"n":3})');
    console.log(String(message), runs);
    export default [String(message), runs];`,
  "a tool of the host's": `
    const step = new ChatStepFactory().newStep({ tools: ["stamp"] });
    const [message] = await step.startAsync('call stamp({"text":"a"}); stamp({"text":"b"})');
    console.log(String(message));
    export default String(message);`,
  "guest steps": `
    let calls = 0;
    const twice = steps.createLambdaStep(async (x) => { calls++; await pay(x); return x * 2; });
    const list = steps.createMapStep((x) => x + 1);
    const both = steps.compose([list, twice]);
    const results = await both.startAsync([1, 2, 3]);
    console.log(results.join(), calls);
    export default [...results, calls];`,
  "steps in parallel": `
    const one = steps.createLambdaStep(async (x) => { console.log("step", x); return (await pay(x)) + "!"; });
    const all = steps.createParallelStep({ maxConcurrency: 2, step: one });
    const results = await all.startAsync([1, 2, 3, 4]);
    console.log(results.join());
    export default [...results];`,
  "a step that is tried again": `
    let tries = 0;
    const shaky = steps.createLambdaStep(async (x) => { if (++tries < 3) throw new Error("try " + tries); return pay(x); });
    const step = steps.withRetry(shaky, { maxAttempts: 4, backoff: () => 3, shouldRetry: () => true });
    const [result] = await step.startAsync(7);
    console.log(result, tries);
    export default [result, tries];`,
  "a step of the host's": `
    const seen = [];
    const done = new Promise((resolve) => doubleStep.runWithEvents(21, (event) => { seen.push(event.type); if (event.type === "final") resolve(event.result); }));
    const result = await done;
    await pay(result);
    console.log(seen.join(), result);
    const vectors = await embeddings.generateEmbeddings(["a", "b"]);
    export default [seen, result, vectors.length, vectors[0].length];`,
  "a pipeline": `
    const chain = pipeline.chain((x) => x + 1, async (x) => (await pay(x), x * 10));
    const results = await steps.fromPipeline(chain).startAsync([1, 2, 3]);
    console.log(results.join());
    export default [...results];`,
  "a conversation": `
    const talk = new Conversation();
    talk.addMessage("user", "hello");
    const step = new ChatStepFactory().newStep();
    for (const text of ["one", "two"]) {
      talk.addMessage("user", text);
      const [message] = await step.startAsync(talk);
      talk.append(message);
      console.log(message.text);
    }
    await pay(talk.getMessages().length);
    export default talk.getMessages().map(({ text }) => text);`,
  "an abort": `
    const controller = new AbortController();
    const pending = read("slow");
    const sleeping = execution.sleep("3d", { signal: controller.signal }).catch((error) => error.name);
    setTimeout(() => controller.abort(), 5);
    console.log(await sleeping, await pending);
    const step = steps.createLambdaStep(() => new Promise(() => {}));
    const stop = new AbortController();
    const run = step.startAsync(1, { signal: stop.signal }).catch((error) => error.name);
    await pay(1);
    stop.abort();
    console.log(await run);
    export default "done";`,
  "short sleeps": `
    console.log("before");
    await execution.sleep(15);
    console.log("between", await pay(1));
    const order = [];
    await Promise.all([execution.sleep(400).then(() => order.push("b")), execution.sleep("5ms").then(() => order.push("a"))]);
    console.log(order.join(""));
    export default order;`,
  "state across callbacks": `
    const done = Promise.withResolvers();
    const texts = [];
    new ChatStepFactory().newStep().startWithCallbacks("say a few words to me", {
      onResult: (text) => texts.push(text),
      onError: (error) => done.resolve("error " + error.code),
      onDone: () => done.resolve("done"),
    });
    const how = await done.promise;
    console.log(how === "done" || how === "error ERR_RUN_INTERRUPTED");
    await pay(1);
    export default true;`,
  "calls that are made once": `
    const first = await send("a");
    console.log(first);
    const both = await Promise.all([send("b"), send("c")]);
    export default [first, ...both];`,
  "calls that are made once and answer at once": `
    const first = sendNow("a");
    console.log(first);
    const second = await send("b");
    export default [first, second, sendNow("c")];`,
  "calls that are made once, since a checkpoint": `
    if (execution.state === undefined) await execution.checkpoint({ since: 1 });
    const out = [sendNow("a"), await send("b"), ...(await sendStep.startAsync("c")), await mcp.app.send({ text: "d" })];
    await execution.sleep(5);
    export default [out.join(), await pay(1), await read("e")];`,
  "tools of an MCP server": `
    const { app } = mcp;
    console.log(await app.look(), await app.stamp({ text: "a" }));
    const both = await Promise.all([app.send({ text: "b" }), app.stamp({ text: "c" }), app.resources.list()]);
    await execution.sleep(10);
    console.log(await app.send({ text: "d" }), (await mcp.search("x"))[0]);
    export default both;`,
  "an error that nobody catches": `
    console.log(await pay(1));
    setTimeout(() => { throw new TypeError("too late"); }, 3);
    await new Promise(() => {});`,
  "a rejection that nobody handles": `
    console.log(await pay(1));
    await fail("for nobody");`,
  "an exit": `
    console.log(await pay(1));
    process.exitCode = 2;
    if ((await pay(2)) !== "") process.exit(3);
    console.log("never");`,
  "done in a callback": `
    setTimeout(async () => { console.log("soon"); done(await pay(1)); }, 3);
    await new Promise(() => {});`,
};
