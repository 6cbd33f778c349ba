import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { createChatProvider } from "../../src/providers/create-chat-provider.ts";
import { createEmbeddingProvider } from "../../src/providers/create-embedding-provider.ts";
import { resolveProviderSettings } from "../../src/providers/settings.ts";

const env = { OPENAI_API_KEY: "k1", ANTHROPIC_API_KEY: "k2" };

describe("resolveProviderSettings()", () => {
  it("takes keys and addresses from the environment", () => {
    expect(resolveProviderSettings({ provider: "openai" }, env)).toMatchObject({
      apiKey: "k1",
      baseURL: "https://api.openai.com/v1",
      isVendorURL: true,
    });
    const gateway = { ...env, ANTHROPIC_BASE_URL: "http://gateway.test/v1/" };
    expect(resolveProviderSettings({ provider: "claude" }, gateway)).toMatchObject({
      provider: "anthropic",
      apiKey: "k2",
      baseURL: "http://gateway.test",
      isVendorURL: false,
    });
  });

  it("sends a key of the environment to an address of the settings only when told to", () => {
    const settings = { provider: "openai", baseURL: "http://127.0.0.1:11434/v1" };
    expect(resolveProviderSettings(settings, env).apiKey).toBeUndefined();
    expect(resolveProviderSettings({ ...settings, apiKey: "env:OPENAI_API_KEY" }, env).apiKey).toBe("k1");
  });

  it("gives who names a key that one or none, with what to do about it", () => {
    const missing = resolveProviderSettings({ provider: "openai", apiKey: "env:OTHER" }, env);
    expect([missing.apiKey, missing.keyHint]).toEqual([undefined, "set OTHER to a valid key"]);
    const stored = resolveProviderSettings({ provider: "openai", apiKey: "key:work" }, env);
    expect([stored.apiKey, stored.keyHint]).toEqual([undefined, "store one with: geppetto-js keys set work"]);
  });

  it("refuses an unknown API", () => {
    const settings = { provider: "openai", api: "assistants" as "chat" };
    expect(() => createChatProvider(settings, { env })).toThrow(
      'Cannot use api "assistants": it must be "chat" or "responses"',
    );
  });

  it("refuses an unknown provider with the known ones and the likely one", () => {
    expect(() => resolveProviderSettings({ provider: "antropic" }, {})).toThrow(
      'Cannot use provider "antropic": it must be one of embedded, openai, anthropic, did you mean "anthropic"?',
    );
    expect(() => createChatProvider({ provider: "zzz" }, { env })).toThrow(
      expect.objectContaining({ name: "ConfigError", code: "ERR_UNKNOWN_PROVIDER" }),
    );
  });

  it("refuses a base URL that is not a URL, without repeating it", () => {
    expect(() => resolveProviderSettings({ provider: "openai", baseURL: "localhost" }, {})).toThrow(
      /must be an http or https URL/,
    );
  });
});

describe("importing the providers", () => {
  it("loads no SDK, no zod and no model", () => {
    const source = `
      import { registerHooks } from "node:module";
      const heavy = [];
      registerHooks({ resolve(name, context, next) {
        if (/^(openai|zod|@anthropic-ai|@energetic-ai)/.test(name)) heavy.push(name);
        return next(name, context);
      } });
      const [{ createChatProvider }, { createEmbeddingProvider }, { parseChatInput }] = await Promise.all(
        process.argv.slice(1).map((file) => import(file)),
      );
      for (const provider of ["openai", "anthropic", "embedded"]) createChatProvider({ provider }, { env: {} });
      createEmbeddingProvider({ provider: "embedded" }, { env: {} });
      await parseChatInput("hi");
      console.log(JSON.stringify(heavy));`;
    const files = ["create-chat-provider", "create-embedding-provider", "input/chat-input"].map((name) =>
      fileURLToPath(new URL(`../../src/providers/${name}.ts`, import.meta.url)),
    );
    const args = ["--input-type=module", "-e", source, ...files];
    const printed = execFileSync(process.execPath, args, { encoding: "utf8" });
    expect(JSON.parse(printed)).toEqual([]);
  });
});

describe("createEmbeddingProvider()", () => {
  it("warns when the embedded provider is asked for another model", () => {
    const warnings: string[] = [];
    createEmbeddingProvider({ provider: "embedded", model: "ada" }, { env, warn: (text) => warnings.push(text) });
    createEmbeddingProvider({ provider: "embedded" }, { env, warn: (text) => warnings.push(text) });
    expect(warnings).toEqual([
      "Using use-lite-en with 512 dimensions: the embedded provider has no other embedding model",
    ]);
  });

  it("has none from anthropic", () => {
    expect(() => createEmbeddingProvider({ provider: "anthropic" }, { env })).toThrow(
      /anthropic has no embedding models/,
    );
  });
});
