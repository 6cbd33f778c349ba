import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkConfig } from "../../src/config/describe-config.ts";
import { loadConfig, userTrustStore } from "../../src/config/load-config.ts";

async function check(yaml: string, env: Record<string, string> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "check-"));
  try {
    writeFileSync(join(folder, "geppetto.yaml"), yaml);
    await userTrustStore({}, join(folder, "user")).trust(folder, yaml);
    const config = await loadConfig({ cwd: folder, configFolder: join(folder, "user"), env });
    return Object.fromEntries((await checkConfig(config, env)).map(({ name, ...rest }) => [name, rest]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("checkConfig()", () => {
  it("finds nothing wrong with the defaults", async () => {
    expect(await check("{}")).toMatchObject({
      node: { status: "ok" },
      configuration: { detail: "geppetto.yaml" },
      chat: { status: "ok", detail: "embedded" },
      embeddings: { status: "ok" },
    });
  });

  it("misses keys and says how to give them, and knows that local servers need none", async () => {
    expect((await check("chat: { provider: openai, model: m }"))["chat"]).toEqual({
      status: "error",
      detail: "openai:m has no key",
      hint: "set OPENAI_API_KEY to a valid key",
    });
    expect((await check("chat: { provider: openai }", { OPENAI_API_KEY: "k" }))["chat"]).toMatchObject({
      status: "ok",
    });
    expect((await check("chat: { provider: claude, apiKey: key:work }"))["chat"]).toMatchObject({
      hint: "store one with: geppetto-js keys set work",
    });
    expect((await check("chat: { provider: openai, baseURL: 'http://127.0.0.1:1/v1' }"))["chat"]).toMatchObject({
      status: "ok",
    });
    await expect(check("chat: { provider: opnai }")).rejects.toThrow(
      'Cannot use geppetto.yaml:1:19: chat.provider must be embedded, openai, anthropic, claude, found "opnai", did you mean "openai"?',
    );
  });

  it("misses the price of a model whose cost is limited", async () => {
    const limited = "limits: { maxCost: 1 }\nchat: { provider: openai, model: m-2026-01-01 }\n";
    expect((await check(limited))["cost"]).toMatchObject({ status: "error", hint: expect.stringContaining("m-2026") });
    expect((await check(`${limited}prices: { m*: { input: 1, output: 2 } }`))["cost"]).toMatchObject({ status: "ok" });
    expect(await check("limits: { maxCost: 1 }")).not.toHaveProperty("cost");
  });
});
