/**
 * Scripts that show what could differ from run to run: time, chance, order, and what the host makes up. They use nothing
 * outside of the sandbox.
 */
export const SHOWING: Readonly<Record<string, string>> = {
  clocks: String.raw`
    console.log(Date.now(), new Date(), Date(), new Date().toString(), performance.now(), performance.timeOrigin, new Date(2026,5,1).getTime());
    console.log(Temporal.Now.instant().toString(), Temporal.Now.zonedDateTimeISO().toString(), Temporal.Now.timeZoneId(), Temporal.Now.plainDateISO().toString());
    for (let i = 0, t = performance.now(); i < 50; i++) { const n = performance.now(); if (n < t) console.log("back", n, t); t = n; }
    await new Promise(r => setTimeout(r, 20)); console.log(Date.now(), performance.now());`,
  "random numbers": String.raw`
    console.log(Math.random(), crypto.randomUUID(), crypto.getRandomValues(new Uint8Array(8)), [3,1,2].sort(() => Math.random() - 0.5)); console.log(Array.from({length: 5}, Math.random));`,
  "performance entries": String.raw`
    performance.mark("a"); const m = performance.mark("b", { detail: 1 }); console.log(m, performance.measure("m", "a", "b")); console.log(performance.getEntries(), JSON.stringify(performance));
    console.log(performance.toJSON?.()); try { console.log(performance.timerify, performance.eventLoopUtilization?.()) } catch (e) { console.log(e.message) }`,
  "events of the web's": String.raw`
    const e = new Event("x"); console.log(e.timeStamp, new CustomEvent("y", {detail: 1}).timeStamp, e); const t = new EventTarget(); t.addEventListener("x", (e) => console.log(e.timeStamp, e.type)); t.dispatchEvent(e);
    const s = AbortSignal.timeout(10); s.addEventListener("abort", (e) => console.log("aborted", e.timeStamp, s.reason, s.reason.stack)); await new Promise(r => setTimeout(r, 30)); 
    const c = new AbortController(); c.signal.onabort = (e) => console.log(e.timeStamp, c.signal.reason.stack); c.abort();`,
  "the order of timers": String.raw`
    const order = []; for (const ms of [5, 1, 0, 3, 2, 5, 1]) setTimeout(() => order.push(ms), ms); setImmediate(() => order.push("imm")); queueMicrotask(() => order.push("micro")); const i = setInterval(() => { order.push("i"); if (order.length > 14) clearInterval(i) }, 1); console.log(setTimeout(() => {}, 1)); await new Promise(r => setTimeout(r, 40)); console.log(order.length, order.join());`,
  Intl: String.raw`
    console.log(Intl.DateTimeFormat().resolvedOptions(), new Intl.NumberFormat().format(12345.678), new Date(0).toLocaleString(), (12345.6).toLocaleString(), ["ä","a","z","Z"].sort(new Intl.Collator().compare), "a".localeCompare("B"), Intl.ListFormat && new Intl.ListFormat().format(["a","b"]), new Intl.RelativeTimeFormat().format(-1, "day"), new Intl.DateTimeFormat(undefined, {timeStyle: "full", dateStyle: "full"}).format());
    console.log(Intl.supportedValuesOf("timeZone").length, new Intl.PluralRules().resolvedOptions().locale, new Intl.Segmenter().resolvedOptions().locale, new Intl.DisplayNames(undefined, {type: "region"}).of("DE"), new Intl.DurationFormat?.().format({hours: 1}), new Date().toLocaleDateString(), new Date().toLocaleTimeString());`,
  "stacks of errors": String.raw`
    const e = new Error("x"); console.log(e.stack); try { null.x } catch (e) { console.log(e.stack) } try { await chat("error: 500") } catch (e) { console.log(e.stack, e) } const c = structuredClone(new TypeError("y", { cause: e })); console.log(c.stack, c.cause.stack); console.log(import.meta.url, process.argv, new Error("z", {cause: c})); function f() { return f() + 1 } try { f() } catch (e) { console.log(e.name, e.message) } console.trace("here"); setTimeout(function named() { console.log(new Error("late").stack) }, 1); await 0; console.log(new Error("after await").stack);`,
  "a conversation": String.raw`
    const c = new Conversation(); const id = c.addMessage("user", "hello"); c.addToolUse?.("t1", "tool", {a: 1}); console.log(id, c, c.getMessages(), JSON.stringify(c.getMessages()), c.toJSON?.(), c.getMessageView?.(id)); const f = c.fork?.(); f?.addMessage("assistant", "x"); console.log(f?.getMessages());`,
  "a conversation with an answer": String.raw`
    const c = new Conversation(); c.addMessage("system", "s", { metadata: {x: 1} }); c.addMessage("user", "echo: hi"); const step = new ChatStepFactory().newStep(); const r = await step.startAsync(c); console.log(r, c.getMessages()); console.log(await c.getSinglePrompt?.());`,
  chats: String.raw`
    const [a, b] = await Promise.all([chat("echo: one"), chat("echo: two")]); console.log(a, b); const step = new ChatStepFactory().newStep(); await new Promise(r => step.runWithEvents("echo: three words here", (e) => { console.log(JSON.stringify(e), e); if (e.type === "final") r(); }));`,
  "a context that is summarized, and hooks": String.raw`
    const session = new ChatSession({ context: { maxTokens: 120, compact: "summarize" } }); for (let i = 0; i < 4; i++) console.log(await session.next("echo: " + ("turn " + i + " ").repeat(9))); console.log(JSON.stringify(session), countTokens(session.conversation), countTokens("some text", { model: "claude-x" }));
    const tool = { name: "dice", description: "d", input: { type: "object" }, run: async () => { await new Promise(r => setTimeout(r, Math.random() * 9)); return Math.random() } };
    const hooks = { beforeTool: async () => { await new Promise(r => setTimeout(r, Math.random() * 9)); return { input: { at: Date.now() } } }, afterTool: (c, { result }, { attempt }) => attempt < 3 && result < 0.9 ? { retry: true } : { result: result * 2 } };
    new ChatStepFactory().newStep({ tools: [tool], hooks }).runWithEvents('call: dice {"n": 1}\ncall: dice {"n": 2}', (e) => console.log(JSON.stringify(e))); await new Promise(r => setTimeout(r, 200));
    for await (const e of new ChatStepFactory().newStep({ context: { maxTokens: 30 } }).events({ messages: [{ role: "user", content: "word ".repeat(30) }, { role: "user", content: "echo: hi" }] })) console.log(JSON.stringify(e));`,
  "sub-scripts": String.raw`
    const tools = { roll: async (n) => { await new Promise(r => setTimeout(r, n)); return Math.random() }, id: () => crypto.randomUUID() };
    const code = 'console.log(Date.now(), Math.random(), crypto.randomUUID()); const a = await tools.roll(Number(input())); console.log(a, Date.now()); await new Promise(r => setTimeout(r, 50)); ({ a, id: await tools.id(), at: Date.now() })';
    const say = (text) => process.stdout.write(text);
    console.log(await runScript(code, { input: 5, tools, onOutput: say }));
    console.log((await Promise.all([9, 3, 6].map((input) => runScript(code, { input, tools, limits: { memoryMB: 16 } })))).map(({ value, output }) => [value, output]));
    console.log(await runScript("throw new Error('no')").then(({ error }) => error), Date.now(), await runScript("1", { signal: AbortSignal.abort() }).catch(e => e.name));`,
  "streams of a chat": String.raw`
    const step = new ChatStepFactory().newStep(); for await (const e of step.stream("echo: a b c")) console.log(JSON.stringify(e)); console.log(await step.startAsync("hi"), step.startBlocking("hello"));`,
  "failures of a chat": String.raw`
    const step = new ChatStepFactory().newStep(); step.runWithEvents("error: 429", (e) => console.log(JSON.stringify(e), e.error?.stack)); await new Promise(r => setTimeout(r, 60)); const x = await step.startAsync("error: 500").catch(e => e); console.log(x, JSON.stringify(x), x.stack);`,
  "a cancelled chat": String.raw`
    const step = new ChatStepFactory().newStep(); const cancel = step.runWithEvents("long: 200", (e) => { console.log(JSON.stringify(e)); if (e.type === "partial") cancel() }); await new Promise(r => setTimeout(r, 100));`,
  "a chat with a time limit": String.raw`
    const step = new ChatStepFactory().newStep(); const r = await step.startAsync("long: 300", { signal: AbortSignal.timeout(5) }).catch(e => [e.name, e.message]); console.log(r);`,
  "races of chats": String.raw`
    const names = await Promise.all(Array.from({length: 10}, async (_, i) => { await chat("echo: " + "w ".repeat(10 - i)); return i })); const order = []; await Promise.all(Array.from({length: 10}, async (_, i) => { await chat("echo: " + "w ".repeat(i % 4)); order.push(i) })); console.log(names, order); console.log(await Promise.race([chat("echo: a b c d e f"), chat("echo: b")]), await Promise.any([chat("error: 500"), chat("echo: b")]));`,
  "steps of the script's": String.raw`
    const d = steps.createLambdaStep((x) => x * 2); console.log(await d.startAsync(3)); d.runWithEvents(4, (e) => console.log(JSON.stringify(e))); await new Promise(r => setTimeout(r, 30)); const c = steps.compose(d, d); c.runWithEvents(1, (e) => console.log(JSON.stringify(e))); await new Promise(r => setTimeout(r, 30)); console.log(Object.keys(steps), d);`,
  "retries and time limits": String.raw`
    let n = 0; const s = steps.withRetry(steps.createLambdaStep(() => { if (n++ < 3) throw new Error("no"); return Date.now() }), { maxAttempts: 5, delayMs: 10 }); s.runWithEvents(1, e => console.log(JSON.stringify(e))); await new Promise(r => setTimeout(r, 3000)); const t = steps.withTimeout(steps.createLambdaStep(() => new Promise(() => {})), 20); console.log(await t.startAsync(1).catch(e => [e.name, e.message, e.stack]));`,
  "parallel steps": String.raw`
    const p = steps.createParallelStep({ maxConcurrency: 3, step: steps.createLambdaStep(async (x) => { await new Promise(r => setTimeout(r, Math.random() * 10)); return x }) }); p.runWithEvents([1,2,3,4,5,6], e => console.log(JSON.stringify(e))); await new Promise(r => setTimeout(r, 200)); const q = steps.createParallelStep({ step: doubleStep }); q.runWithEvents([2, 3], e => console.log(JSON.stringify(e))); await new Promise(r => setTimeout(r, 100));`,
  "a cache": String.raw`
    const d = steps.withCache(new ChatStepFactory().newStep()); console.log(await d.startAsync("echo: x"), await d.startAsync("echo: x")); d.runWithEvents("echo: x", e => console.log(JSON.stringify(e))); await new Promise(r => setTimeout(r, 60)); const l = steps.withCache(steps.createLambdaStep((x) => Math.random())); console.log(await l.startAsync(1), await l.startAsync(1));`,
  "a step of the host's": String.raw`
    console.log(await doubleStep.startAsync(3)); doubleStep.runWithEvents(3, e => console.log(JSON.stringify(e))); await new Promise(r => setTimeout(r, 100)); console.log(doubleStep.startBlocking(2));`,
  embeddings: String.raw`
    const v = await embeddings.generateEmbeddingAsync("hello"); console.log(v.slice(0, 4), embeddings.getModel?.()); const s = embeddings.createStep(); s.runWithEvents(["a", "b"], e => console.log(JSON.stringify({ ...e, results: undefined, result: undefined }))); await new Promise(r => setTimeout(r, 100)); console.log(embeddings.generateEmbedding("x").slice(0, 2));`,
  "a pipeline": String.raw`
    const p = pipeline.chain((x) => x * 2, async function* (x) { yield x; yield x + 1 }, (x, { metadata, signal }) => x); p.runWithEvents([1, 2, 3], e => console.log(JSON.stringify(e))); await new Promise(r => setTimeout(r, 100)); console.log(await p.startAsync([1,2,3]), p.toMermaid()); let meta; const run = p.runWithEvents([1,2], (e) => { meta = e.metadata ?? e.meta ?? meta; if (e.type === "final") console.log(JSON.stringify(e), p.toMermaid(meta)) }); await new Promise(r => setTimeout(r, 100));`,
  "a pipeline with chats": String.raw`
    const p = pipeline.chain(pipeline.stage("ask", new ChatStepFactory().newStep()), pipeline.branch((x) => x + "a", (x) => x + "b"), (x) => x); for await (const e of p.stream(["echo: one", "echo: two three", "echo: four"])) console.log(JSON.stringify(e)); const q = pipeline.chain(async (x) => { await new Promise(r => setTimeout(r, Math.random() * 20)); return [x, Date.now()] }); console.log(JSON.stringify(await q.startAsync([1,2,3])));`,
  console: String.raw`
    console.time("a"); console.timeLog("a"); console.timeEnd("a"); console.count(); console.table([{a: 1}]); console.group("g"); console.log("x"); console.groupEnd(); console.dir({a: {b: {c: {d: 1}}}}); console.error(new Error("e")); console.log(Promise.resolve(1), new WeakMap(), new Proxy({}, {}), Symbol("x"), new Map([[1, new Set([2])]]), [undefined, null], 1n, function f() {}, class A {});  console.warn("w"); console.debug("d"); console.assert(false, "no");`,
  "process and the globals": String.raw`
    console.log(process.argv, Object.keys(process.env), process.exitCode, Object.getOwnPropertyNames(globalThis).sort().join()); console.log(typeof navigator, typeof WebAssembly, typeof SharedArrayBuffer, typeof Atomics, new Error().stack.split("\n").length);`,
  streams: String.raw`
    const rs = new ReadableStream({ async start(c) { c.enqueue(1); await new Promise(r => setTimeout(r, 3)); c.enqueue(Date.now()); c.close() } }); for await (const x of rs) console.log(x);`,
  "an uncaught error": String.raw`
    console.log(Date.now()); setTimeout(() => { throw new RangeError("late " + Math.random()) }, 5); await new Promise(r => setTimeout(r, 50));`,
  "an unhandled rejection": String.raw`
    Promise.reject(new Error("no " + crypto.randomUUID())); await new Promise(r => setTimeout(r, 20)); console.log("x")`,
  "a script that stalls": String.raw`
    console.log(performance.now()); await new Promise(() => {})`,
  "what a script is done with": String.raw`
    console.log(1); done({ at: Date.now(), id: crypto.randomUUID(), r: Math.random(), d: new Date(), e: new Error("x") })`,
  "an exit code": String.raw`
    console.log(1); process.exitCode = 3; setTimeout(() => process.exit(4), 3)`,
  copies: String.raw`
    const e = new DOMException("a", "AbortError"); console.log(e.stack, structuredClone(e).stack, structuredClone(new Map([[new Date(), Temporal.Now.instant().epochMilliseconds]]))); try { structuredClone(() => {}) } catch (x) { console.log(x.stack) }`,
  "the web's basics": String.raw`
    console.log(new URL("http://a/b?c#d"), new URLSearchParams("a=b"), new TextEncoder().encode("x"), new TextDecoder().decode(new Uint8Array([120])), atob("eA=="), btoa("x"));`,
  "a loop that waits": String.raw`
    const t = Date.now(); let n = 0; for (; Date.now() - t < 20; n++); console.log(n > 10); const p = performance.now(); while (performance.now() - p < 5); console.log(Date.now() - t >= 25);`,
  tools: String.raw`
    const f = new ChatStepFactory(); console.log(typeof tools, Object.keys(f), Object.getOwnPropertyNames(Object.getPrototypeOf(f))); const step = f.newStep({ tools: [{ name: "weather", description: "d", parameters: { type: "object", properties: { city: { type: "string" } } }, execute: async ({ city }) => { await new Promise(r => setTimeout(r, Math.random() * 5)); return city + Date.now() } }] }); step.runWithEvents('tool: weather {"city":"Oslo"}', e => console.log(JSON.stringify(e))); await new Promise(r => setTimeout(r, 300)); const m = await step.startAsync('tool: weather {"city":"Rome"}').catch(e => e); console.log(m);`,
  "an image": String.raw`
    const c = new Conversation(); c.addMessageWithImage("user", "look", "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="); console.log(JSON.stringify(c.getMessages())); console.log(await new ChatStepFactory().newStep().startAsync(c))`,
  "a stream that is left": String.raw`
    const s = new ChatStepFactory().newStep(); const it = s.stream("long: 100"); let n = 0; for await (const e of it) { console.log(e.type, e.delta, e.seq, e.time); if (++n > 3) break } await new Promise(r => setTimeout(r, 20)); console.log(Date.now() > 0)`,
};
