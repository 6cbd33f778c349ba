import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { importProfiles } from "../../src/config/import-profiles.ts";
import { readProfiles } from "../../src/config/profiles.ts";
import { parseYaml } from "../../src/config/yaml/yaml-file.ts";

/** What an import gives, as data; its YAML must be one that this project reads. */
function imported(text: string) {
  const { yaml, ...rest } = importProfiles(text, "profiles.yaml");
  readProfiles(parseYaml(yaml, "geppetto.yaml"), true);
  expect(yaml).not.toContain("canary");
  return { ...(parse(yaml) as { default?: string; profiles: Record<string, unknown> }), ...rest };
}

describe("importProfiles()", () => {
  it("reads a map of profiles with their layers, and takes the keys out", () => {
    const { profiles, keys, names, notes } = imported(`
mixtral:
  openai-chat: { openai-base-url: "https://example.com/v1/", openai-api-key: canary-1 }
  ai-chat: { ai-engine: mixtral-8x7b, ai-api-type: openai, ai-temperature: 0.2, ai-stop: [], ai-stream: true }
other:
  openai-chat: { openai-api-key: canary-2, openai-base-url: "https://api.openai.com/v1", openai-presence-penalty: 1 }
  ai-chat: { ai-engine: gpt-5, ai-api-type: openai-responses, ai-max-response-tokens: 100 }
opus:
  claude-chat: { claude-api-key: canary-3, claude-base-url: "https://api.anthropic.com/v1/complete" }
  ai-chat: { ai-engine: claude-opus, ai-api-type: claude }
  ai-client: { timeout: 30 }
local:
  ai-chat: { ai-engine: llama3, ai-api-type: ollama }
  embeddings: { embeddings-type: ollama, embeddings-engine: all-minilm, embeddings-dimensions: 384 }
google:
  ai-chat: { ai-engine: g, ai-api-type: gemini }
`);
    expect(names).toEqual(["mixtral", "other", "opus", "local", "google"]);
    expect(profiles).toEqual({
      mixtral: {
        chat: {
          provider: "openai",
          baseURL: "https://example.com/v1",
          apiKey: "key:openai",
          model: "mixtral-8x7b",
          temperature: 0.2,
        },
      },
      other: {
        chat: { provider: "openai", api: "responses", apiKey: "key:openai-other", model: "gpt-5", maxTokens: 100 },
      },
      opus: { chat: { provider: "anthropic", apiKey: "key:claude", model: "claude-opus", headerTimeoutMs: 30_000 } },
      local: {
        chat: { provider: "openai", baseURL: "http://127.0.0.1:11434/v1", model: "llama3" },
        embeddings: { provider: "openai", baseURL: "http://127.0.0.1:11434/v1", model: "all-minilm", dimensions: 384 },
      },
      google: { chat: { model: "g" } },
    });
    expect(keys).toEqual({ openai: "canary-1", "openai-other": "canary-2", claude: "canary-3" });
    expect(notes).toEqual([
      "other: left out openai-chat.openai-presence-penalty",
      "google: left out the API type gemini, which has no provider here",
    ]);
  });

  it("reads a registry with stacks, in layers or as inference settings", () => {
    const {
      profiles,
      keys,
      notes,
      default: chosen,
    } = imported(`
slug: team
default_profile_slug: agent
profiles:
  provider:
    slug: provider
    runtime: { step_settings_patch: { ai-chat: { ai-api-type: openai }, api: { openai-api-key: canary-1 } } }
  model:
    slug: model
    stack: [{ profile_slug: provider }]
    inference_settings: { chat: { engine: gpt-4o-mini, top_p: 0.5, max_response_tokens: 9 }, embeddings: { type: openai, engine: e, dimensions: 8 } }
  agent:
    slug: agent
    description: Helps
    stack: [{ profile_slug: model }, { registry_slug: other, profile_slug: x }]
    runtime: { system_prompt: You are an assistant., tools: [calculator] }
`);
    expect(chosen).toBe("agent");
    expect(profiles).toEqual({
      provider: { chat: { provider: "openai", apiKey: "key:openai" } },
      model: {
        extends: ["provider"],
        chat: { model: "gpt-4o-mini", topP: 0.5, maxTokens: 9 },
        embeddings: { provider: "openai", model: "e", dimensions: 8 },
      },
      agent: { extends: ["model"], description: "Helps", chat: { system: "You are an assistant." } },
    });
    expect(keys).toEqual({ openai: "canary-1" });
    expect(notes).toEqual([
      "agent: left out what it builds on in another registry",
      "agent: left out tools: scripts say which they use",
    ]);
  });

  it.each(["", "a: 5", "[1]", "slug: x", "a: {b", "profiles: []"])("refuses %j", (text) => {
    expect(() => importProfiles(text, "profiles.yaml")).toThrow(/^Cannot use profiles\.yaml/);
  });
});
