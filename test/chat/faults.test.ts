import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadRecordings, sharedFolder, startReplay, type ReplayServer } from "../providers/replay.ts";
import { RuntimeEngine, setupDefaults, type ChatSettings } from "../../src/index.ts";
import { Output } from "../engine/engine-harness.ts";

const CANARY = "sk-canary-0123456789abcdef";
const NAMES = ["oai-chat-text-gpt4o", "oai-resp-text-gpt4o", "ant-text-sonnet45"];
/** Faults that hit a stage of the stream, and what may come of them; those that hit the whole answer. */
const STAGED = ["cut", "eof", "cutmid", "rstmid", "garbage", "error", "hang"];
const WHOLE = [
  "html",
  "empty",
  "json",
  "noconnect",
  "429",
  "500",
  "502",
  "503",
  "529",
  "401",
  "403",
  "404",
  "413",
  "400ctx",
  "quota",
];
const HARMLESS = ["split=3", "crlf", "bom", "burst", "noblank", "textplain", "ping=1", "unknown", "nodone"];

interface Seen {
  types: string[];
  deltas: string;
  completion: string;
  last: { type: string; text?: string; error?: string; code?: string };
}

/** Runs a chat for each model and tells what its events were. */
function script(models: string[]): string {
  return `const seen = {};
    for (const model of ${JSON.stringify(models)}) {
      const step = new ChatStepFactory().newStep({ model });
      seen[model] = await new Promise((resolve) => {
        const types = []; let deltas = "", completion = "";
        step.runWithEvents("hi", (e) => {
          types.push(e.type);
          if (e.type === "partial") { deltas += e.delta; completion = e.completion; }
          if (["final", "error", "interrupt"].includes(e.type)) setTimeout(() => resolve({ types, deltas, completion, last: { type: e.type, text: e.text, error: e.error, code: e.code } }), 1);
        });
      });
    }
    console.log(JSON.stringify(seen));
    export default seen;`;
}

/** Runs a script. What is left open here is the server's own keep-alive, so handles are not counted. */
async function runScript(
  code: string,
  settings: ChatSettings,
): Promise<{ value: unknown; error: unknown; printed: string }> {
  const output = new Output();
  await using engine = new RuntimeEngine({ isolation: "thread", console: output, setup: [setupDefaults(settings)] });
  await engine.start();
  const { value, error } = await engine.runScript({ code });
  return { value, error, printed: output.out + output.err };
}

describe.skipIf(!sharedFolder)("a chat run over a faulty connection", () => {
  let server: ReplayServer;
  beforeAll(async () => {
    server = await startReplay();
  });
  afterAll(() => server.close());

  /** A short time without data where the fault is one, enough of it where none is. */
  async function play(name: string, switches: string[], idleTimeoutMs = 40): Promise<Record<string, Seen>> {
    const { api } = loadRecordings().find((recording) => recording.name === name)!;
    const models = switches.map((fault) => `${name}+${fault}`);
    const { value, error, printed } = await runScript(script(models), {
      env: {},
      chat: {
        provider: api === "messages" ? "anthropic" : "openai",
        ...(api === "responses" ? { api } : {}),
        apiKey: CANARY,
        baseURL: api === "messages" ? server.anthropicBaseURL : server.openaiBaseURL,
        idleTimeoutMs,
        retry: { attempts: 1 },
      },
    });
    expect(error).toBeUndefined();
    expect(printed).not.toContain("canary");
    expect(printed).not.toContain("127.0.0.1");
    return value as Record<string, Seen>;
  }

  function expectOneEnd({ types, deltas, completion }: Seen, model: string): void {
    expect(types[0], model).toBe("start");
    expect(
      types.filter((type) => type === "start"),
      model,
    ).toHaveLength(1);
    expect(
      types.filter((type) => /final|error|interrupt/.test(type)),
      model,
    ).toHaveLength(1);
    expect(types.at(-1), model).toMatch(/final|error/);
    expect(completion, model).toBe(deltas);
  }

  it.each(NAMES)(
    "%s that breaks at any stage has exactly one terminal event, and a final only with the whole text",
    async (name) => {
      const recording = loadRecordings().find((candidate) => candidate.name === name)!;
      const stages = [0, 1, 2, 3, "50%", "90%", 5, 8];
      const seen = await play(
        name,
        STAGED.flatMap((fault) => stages.map((stage) => `${fault}=${stage}`)),
      );
      expect(Object.keys(seen)).toHaveLength(STAGED.length * stages.length);
      for (const [model, run] of Object.entries(seen)) {
        expectOneEnd(run, model);
        if (run.last.type === "final") expect(run.last.text, model).toBe(recording.expectedText);
        else expect(run.last.code, model).toMatch(/^ERR_/);
        expect(recording.expectedText!.startsWith(run.deltas), model).toBe(true);
      }
    },
  );

  it.each(NAMES)("%s that fails as a whole is one error event", async (name) => {
    for (const [model, run] of Object.entries(await play(name, WHOLE))) {
      expectOneEnd(run, model);
      expect(run.types, model).toEqual(["start", "error"]);
    }
  });

  it.each(NAMES)("%s with what is no fault is final, with the same text", async (name) => {
    const recording = loadRecordings().find((candidate) => candidate.name === name)!;
    for (const [model, run] of Object.entries(await play(name, HARMLESS, 600_000))) {
      expectOneEnd(run, model);
      expect(run.last, model).toMatchObject({ type: "final", text: recording.expectedText });
    }
  });

  it("leaves no connection of a fault open", async () => {
    await expect
      .poll(() => server.requests.filter(({ done, closedByClient }) => !done && !closedByClient).length)
      .toBe(0);
  });
});
