import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { budgetLimitsOf } from "../../src/cli/session/engine-options.ts";
import { describeSettings, KeyStore, loadConfig } from "../../src/config.ts";
import { Budget } from "../../src/index.ts";
import { runChat } from "../chat/run-chat.ts";

const CANARY = "sk-canary-4711-abcdefgh";

let server: Server;
let folder: string;
const seen: { authorization: string | undefined; extra: string | undefined }[] = [];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "in-use-"));
  server = createServer((request, response) => {
    const { authorization } = request.headers;
    seen.push({ authorization, extra: request.headers["x-extra"] as string | undefined });
    request.resume();
    response.writeHead(401, { "content-type": "application/json", connection: "close" });
    response.end(
      JSON.stringify({ error: { message: `Incorrect API key provided: ${authorization}`, code: "invalid_api_key" } }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const port = (server.address() as AddressInfo).port;
  mkdirSync(join(folder, "user"));
  writeFileSync(
    join(folder, "user/config.yaml"),
    `default: work
profiles:
  work:
    chat: { provider: openai, model: m, baseURL: "http://127.0.0.1:${port}/v1", apiKey: key:work, headers: { x-extra: key:extra } }
    limits: { maxCalls: 2 }
    retry: { attempts: 1 }
`,
  );
  const keys = new KeyStore(join(folder, "user/keys.json"));
  await keys.set("work", CANARY);
  await keys.set("extra", `${CANARY}-extra`);
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

describe("a profile in use", () => {
  it("sends its keys to its server, bounds the calls, and shows no key in anything printed, thrown or published", async () => {
    const config = await loadConfig({ cwd: folder, configFolder: join(folder, "user"), env: {} });
    const { chat, embeddings, limits } = config.settings;
    const notices: string[] = [];
    const { value, error, printed } = await runChat(
      `const step = new ChatStepFactory().newStep(); const events = [];
      await new Promise((resolve) => step.runWithEvents("hi", (e) => { events.push(e); console.log(e); if (e.type === "error") resolve(); }));
      try { await chat("again"); } catch (e) { console.error(e, e.stack, JSON.stringify(e), e.cause); events.push(e.message, e.code); }
      try { await chat("third"); } catch (e) { events.push(e.code); }
      console.log(step, chat, JSON.stringify(new ChatSession({ model: "m" })));
      export default events;`,
      { chat, embeddings, budget: new Budget(budgetLimitsOf(limits)), env: {}, onNotice: (text) => notices.push(text) },
    );
    expect(error).toBeUndefined();
    expect(seen).toEqual(
      Array.from({ length: 2 }, () => ({ authorization: `Bearer ${CANARY}`, extra: `${CANARY}-extra` })),
    );
    expect((value as unknown[]).slice(-2)).toEqual(["ERR_INVALID_KEY", "ERR_LIMIT_CALLS"]);
    const everything = JSON.stringify([value, printed, notices, config.warnings, describeSettings(config)]);
    expect(everything).toContain("invalid api key");
    expect(everything).not.toContain("canary");
    expect(everything).not.toContain("4711");
  });
});
