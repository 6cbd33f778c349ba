import { describe, expect, it } from "vitest";
import { withEngine } from "../engine/engine-harness.ts";
import { mcpValue } from "../mcp/run-mcp.ts";

const START = "ValidationError: Cannot start the step";
const SIGNAL = 'there is no option "singal"; did you mean "signal"?';

/** Every function of scripts that takes options, with one that is misspelt. */
const FUNCTIONS: [call: string, error: string][] = [
  ["doubleStep.runWithEvents(1, () => {}, { singal })", `${START}: ${SIGNAL}`],
  ["doubleStep.startAsync(1, { singal })", `${START}: ${SIGNAL}`],
  ["doubleStep.startAsync(1, { singal: undefined })", `${START}: ${SIGNAL}`],
  ["doubleStep.events(1, { singal })", `${START}: ${SIGNAL}`],
  ["doubleStep.stream(1, { singal })", `${START}: ${SIGNAL}`],
  [
    "doubleStep.startWithCallbacks(1, { onResut() {} })",
    `${START}: there is no option "onResut"; did you mean "onResult"?`,
  ],
  [
    "steps.createLambdaStep((x) => x).startAsync(1, { maxTokens: 1 })",
    `${START}: there is no option "maxTokens"; the options are signal`,
  ],
  ["pipeline.chain((x) => x).startAsync(1, { singal })", `${START}: ${SIGNAL}`],
  [
    "new ChatStepFactory().newStep().startAsync('x', { temperature: 1 })",
    `${START}: there is no option "temperature"; the options are signal`,
  ],
  [
    "steps.createStep({ proces() {} })",
    'ValidationError: Cannot create a step: there is no option "proces"; did you mean "process"?',
  ],
  ["steps.bind([1], doubleStep, { singal })", `ValidationError: Cannot bind results: ${SIGNAL}`],
  [
    "steps.createParallelStep({ step: doubleStep, maxConcurency: 2 })",
    'ValidationError: Cannot create a parallel step: there is no option "maxConcurency"; did you mean "maxConcurrency"?',
  ],
  [
    "steps.withRetry(doubleStep, { maxAttemps: 2 })",
    'ValidationError: Cannot create a step with retries: there is no option "maxAttemps"; did you mean "maxAttempts"?',
  ],
  [
    "steps.withState({ initalState: {}, initialState: {}, step() {} })",
    'ValidationError: Cannot create a step with state: there is no option "initalState"; did you mean "initialState"?',
  ],
  [
    "steps.withEvents(doubleStep, { onResut() {} })",
    'ValidationError: Cannot create a step with events: there is no option "onResut"; did you mean "onResult"?',
  ],
  [
    "steps.withCache(doubleStep, { kye() {} })",
    'ValidationError: Cannot create a step with a cache: there is no option "kye"; did you mean "key"?',
  ],
  [
    "pipeline.element('text', 'x', { priorty: 'high' })",
    'ValidationError: Cannot make an element: there is no option "priorty"; did you mean "priority"?',
  ],
  ...["new ChatStepFactory().newStep", "openai.createStep", "claude.createStep"].map((name): [string, string] => [
    `${name}([{}, { temprature: 1 }])`,
    'ValidationError: Cannot create a chat step: there is no option "temprature"; did you mean "temperature"?',
  ]),
  [
    "new ChatStepFactory().newStep([(settings) => { settings.modle = 'x' }])",
    'ValidationError: Cannot create a chat step: there is no option "modle"; did you mean "model"?',
  ],
  [
    "chat('x', { temprature: 1 })",
    'ValidationError: Cannot read the chat input: options.temprature: no such option, did you mean "temperature"?',
  ],
  [
    "new ChatSession({ sytem: 'x' })",
    'ValidationError: Cannot make the session: there is no option "sytem"; did you mean "system"?',
  ],
  [
    "ChatSession.from(new ChatSession().toJSON(), { sytem: 'x' })",
    'ValidationError: Cannot make the session: there is no option "sytem"; did you mean "system"?',
  ],
  [
    "(await new ChatSession().save('s'), ChatSession.load('s', { sytem: 'x' }))",
    'ValidationError: Cannot make the session: there is no option "sytem"; did you mean "system"?',
  ],
  [
    "new ChatSession().next('x', { onDleta() {} })",
    'ValidationError: Cannot go on with the session: there is no option "onDleta"; did you mean "onDelta"?',
  ],
  [
    "countTokens('x', { modle: 'x' })",
    'ValidationError: Cannot count tokens: there is no option "modle"; did you mean "model"?',
  ],
  ["embeddings.generateEmbeddingAsync('x', { singal })", `ValidationError: Cannot embed: ${SIGNAL}`],
  ["embeddings.generateEmbeddings(['x'], { singal })", `ValidationError: Cannot embed: ${SIGNAL}`],
  [
    "embeddings.generateEmbeddingWithCallbacks('x', { onSucces() {} })",
    'ValidationError: Cannot embed the text: there is no option "onSucces"; did you mean "onSuccess"?',
  ],
  [
    "embeddings.createStep({ dimension: 3 })",
    'ValidationError: Cannot create an embedding step: there is no option "dimension"; did you mean "dimensions"?',
  ],
  [
    "new Conversation().addMessage('user', 'x', { parentId: 'y' })",
    'ConversationError: Cannot add the message: there is no option "parentId"; did you mean "parentID"?',
  ],
  [
    "new Conversation().addMessageWithImage('user', 'x', 'data:,', { detial: 'low' })",
    'ConversationError: Cannot add the message: there is no option "detial"; did you mean "detail"?',
  ],
  ["execution.sleep(1, { singal })", `ValidationError: Cannot sleep: ${SIGNAL}`],
  [
    "execution.receive('x', { timeuot: 1 })",
    'ValidationError: Cannot receive: there is no option "timeuot"; did you mean "timeout"?',
  ],
  ["execution.approve('x', { dta: 1 })", 'ValidationError: Cannot ask: there is no option "dta"; did you mean "data"?'],
  [
    "runScript('1', { inputs: 1 })",
    'ValidationError: Cannot run the sub-script: there is no option "inputs"; did you mean "input"?',
  ],
];

/** The same of the tools of servers. */
const MCP_FUNCTIONS: [call: string, error: string][] = [
  ["mcp.search('x', { limt: 1 })", 'Cannot search for tools: there is no option "limt"; did you mean "limit"?'],
  ["mcp.describe('x.y', { singal })", `Cannot describe a tool: ${SIGNAL}`],
  ["mcp.test.anything({}, { singal })", `Cannot call the tool: ${SIGNAL}`],
  [
    "mcp.test.call('x', {}, { onEvnt() {} })",
    'Cannot call the tool: there is no option "onEvnt"; did you mean "onEvent"?',
  ],
  [
    "mcp.test.tools({ olny: [] })",
    'Cannot list the tools of mcp.test: there is no option "olny"; did you mean "only"?',
  ],
  ["mcp.test.resources.list({ singal })", `Cannot list the resources: ${SIGNAL}`],
  ["mcp.test.resources.templates({ singal })", `Cannot list the templates: ${SIGNAL}`],
  ["mcp.test.resources.read('x:y', { singal })", `Cannot read a resource: ${SIGNAL}`],
  ["mcp.test.prompts.list({ singal })", `Cannot list the prompts: ${SIGNAL}`],
  ["mcp.test.prompts.get('x', {}, { singal })", `Cannot get a prompt: ${SIGNAL}`],
];

/** What each call fails with. */
function errorsOf(calls: readonly string[]): string {
  const tries = calls.map((call) => `async () => (${call})`).join(",\n");
  return `const singal = new AbortController().signal;
    const errors = [];
    for (const call of [${tries}]) errors.push(await call().then(() => "none", (error) => String(error)));
    export default errors;`;
}

describe("an option that is written wrong", () => {
  it("is refused by every function of scripts, with the one that was meant", async () => {
    await withEngine({ isolation: "thread" }, async ({ run }) => {
      const { value } = await run(errorsOf(FUNCTIONS.map(([call]) => call)));
      const found = (value as string[]).map((error, i) => [FUNCTIONS[i]![0], error]);
      expect(found).toEqual(FUNCTIONS);
    });
  });

  it("is refused by the functions of MCP servers", async () => {
    const value = await mcpValue(errorsOf(MCP_FUNCTIONS.map(([call]) => call)));
    const found = (value as string[]).map((error, i) => [MCP_FUNCTIONS[i]![0], error]);
    expect(found).toEqual(MCP_FUNCTIONS.map(([call, error]) => [call, `ValidationError: ${error}`]));
  });

  it("is refused whatever the script has made of the prototypes", async () => {
    await withEngine({ isolation: "thread" }, async ({ run }) => {
      const { value } = await run(`
        Object.keys = () => []; Array.prototype.join = () => "spied"; String.prototype.toLowerCase = () => "signal";
        Object.defineProperty(Object.prototype, "singal", { value: 1, configurable: true });
        const [ran] = await doubleStep.startAsync(1, {});
        let text; try { doubleStep.startAsync(1, { singal: 1, other: 2 }) } catch (error) { text = error.message }
        export default [ran, text];`);
      expect(value).toEqual([2, `Cannot start the step: ${SIGNAL}`]);
    });
  });
});

describe("options of a step", () => {
  it("may be null, or what the runtime gives a function of the script's", async () => {
    await withEngine({ isolation: "thread" }, async ({ run }) => {
      const { value } = await run(`
        const seen = [];
        const stage = pipeline.chain((x, context) => { seen.push(Object.keys(context).join()); return doubleStep.startAsync(x, context) });
        const tool = { name: "t", description: "", input: { type: "object" }, run: () => 1 };
        const hooks = { async beforeTool(call, context) { seen.push(Object.keys(context).join()); await doubleStep.startAsync(1, context) } };
        const compact = async (messages, context) => { seen.push(Object.keys(context).join()); await doubleStep.startAsync(1, context); return messages.slice(-1) };
        await new ChatStepFactory().newStep({ tools: [tool], hooks, temperature: undefined, modle: undefined, tol: null }).startAsync("call: t {}");
        await new ChatStepFactory().newStep({ context: { maxTokens: 30, compact } }).startAsync({ messages: [{ role: "user", content: "word ".repeat(60) }, { role: "user", content: "echo: x" }] });
        export default [await doubleStep.startAsync(4, null), await stage.startAsync(3), await chat("echo: x", null), seen];`);
      expect(value).toMatchObject([
        [8],
        [6],
        "x",
        ["attempt,signal", "tokens,maxTokens,signal", "signal,kind,metadata"],
      ]);
    });
  });

  it.each([
    "doubleStep.startAsync(1, signal)",
    "embeddings.generateEmbeddingAsync('x', signal)",
    "chat('echo: x', signal)",
    "new ChatSession().next('echo: x', signal)",
    "execution.sleep(1, signal)",
    "runScript('1', signal)",
  ])("are not a signal itself, which would be overlooked: %s", async (call) => {
    await withEngine({ isolation: "thread" }, async ({ run }) => {
      const { error } = await run(`const { signal } = new AbortController(); await ${call};`);
      expect(error).toMatchObject({
        name: "TypeError",
        message: "Cannot use the options: they are an AbortSignal, write { signal }",
      });
    });
  });

  it.each([
    [
      "doubleStep.startAsync(1, true)",
      "ValidationError: Cannot start the step: options must be an object, not boolean",
    ],
    ["doubleStep.stream(1, 'x')", "ValidationError: Cannot start the step: options must be an object, not string"],
    [
      "embeddings.generateEmbeddingAsync('x', 'y')",
      "ValidationError: Cannot embed: options must be an object, not string",
    ],
    [
      "new ChatSession().next('x', (delta) => {})",
      "ValidationError: Cannot go on with the session: options must be an object, not function",
    ],
    [
      "new ChatSession().next(5)",
      "ValidationError: Cannot go on with the session: expected a text or a message, not number",
    ],
    ["countTokens('x', 'gpt')", "ValidationError: Cannot count tokens: options must be an object, not string"],
    ["execution.sleep(1, 5)", "ValidationError: Cannot sleep: options must be an object, not number"],
    [
      "new ChatStepFactory().newStep(singal)",
      "TypeError: Cannot create a chat step: options must be an object or an array, not an AbortSignal",
    ],
    [
      "new ChatStepFactory().newStep(new Map([['temperature', 5]]))",
      "TypeError: Cannot create a chat step: options must be an object or an array, not a Map",
    ],
    [
      "new ChatStepFactory().newStep([new Map()])",
      "TypeError: Cannot create a chat step: options[0] must be an object or a function, not a Map",
    ],
    ["execution.receive('x', 5000)", "ValidationError: Cannot receive: options must be an object, not number"],
  ])("are not something else, which would be overlooked: %s", async (call, error) => {
    await withEngine({ isolation: "thread" }, async ({ run }) => {
      expect((await run(errorsOf([call]))).value).toEqual([error]);
    });
  });

  it("may be an index, as a list's map() gives it", async () => {
    await withEngine({ isolation: "thread" }, async ({ run }) => {
      const code = `export default [["a", "b"].map(countTokens).length, (await Promise.all(["a", "b"].map(embeddings.generateEmbeddingAsync))).length]`;
      expect((await run(code)).value).toEqual([2, 2]);
    });
  });
});
