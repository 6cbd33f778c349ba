import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli, ScriptFolder } from "../cli/run-cli.ts";
import { type ScriptedServer, startScriptedServer, type Turn } from "../chat/scripted-server.ts";

const examples = fileURLToPath(new URL("../../examples", import.meta.url));
const NAME = "07-recorded-agent";

/** What the model says, round by round; streamed as OpenAI streams two calls at once, and text. */
const TURNS: Turn[] = [
  {
    calls: [
      { id: "call_a1", name: "look_up", arguments: '{"order": 17}' },
      { id: "call_a2", name: "look_up", arguments: '{"order": 18}' },
    ],
    usage: { prompt_tokens: 214, completion_tokens: 46 },
  },
  {
    text: "Order 17 was for tea. I pay back what was asked for.",
    calls: [{ id: "call_b1", name: "refund", arguments: '{"order": 17, "amount": 20}' }],
    usage: { prompt_tokens: 291, completion_tokens: 41 },
  },
  {
    calls: [{ id: "call_c1", name: "refund", arguments: '{"order": 17, "amount": 12.5}' }],
    usage: { prompt_tokens: 352, completion_tokens: 25 },
  },
  {
    text: '{"refunded": 12.5, "message": "I have paid back 12.50 for the tea, which is all that it cost. Order 18 was for a teapot."}',
    usage: { prompt_tokens: 396, completion_tokens: 38 },
  },
];

const folder = new ScriptFolder();
let server: ScriptedServer;
beforeAll(async () => {
  server = await startScriptedServer({ model: "gpt-5-mini-2025-08-07", argumentChunk: 5 });
  server.play(...TURNS);
});
afterAll(async () => {
  await server.close();
  folder.remove();
});

describe("the cassette of the recorded agent", () => {
  it("is what the agent records when it asks a server, and gives the output that the server gave", async () => {
    const cassette = join(folder.path, "new.cassette.json");
    const env = { OPENAI_BASE_URL: server.settings.baseURL };
    const args = ["run", "-q", "--record", cassette, `${NAME}.js`];
    const { code, stdout, stderr } = await runCli(args, { cwd: examples, env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    await expect(stdout).toMatchFileSnapshot(join(examples, `${NAME}.golden`));
    const [header, ...recordings] = readFileSync(cassette, "utf8").trimEnd().split("\n");
    const fixed = recordings.map((line, i) => ({
      ...(JSON.parse(line) as object),
      id: `round-${i + 1}`,
      recordedAt: "2026-01-01T00:00:00.000Z",
      endedAt: "2026-01-01T00:00:01.000Z",
    }));
    const text = [header, ...fixed.map((recording) => JSON.stringify(recording)), ""].join("\n");
    await expect(text).toMatchFileSnapshot(join(examples, `${NAME}.cassette.json`));
  });
});
