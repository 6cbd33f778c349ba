import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { describeProfiles, describeSettings } from "../../src/config/describe-config.ts";
import { type Config, loadConfig, type LoadConfigOptions, userTrustStore } from "../../src/config/load-config.ts";
import type { ScriptOptionsLiteral } from "../../src/config/script/script-options-literal.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "config-"));
  mkdirSync(join(root, "user"));
});
afterEach(() => rmSync(root, { recursive: true }));

function put(name: "geppetto.yaml" | "user/config.yaml", text: string): void {
  writeFileSync(join(root, name), text);
}

/** Trusts geppetto.yaml as it is now. */
async function trust(): Promise<void> {
  await userTrustStore({}, join(root, "user")).trust(root, readFileSync(join(root, "geppetto.yaml"), "utf8"));
}

function load(options: Partial<LoadConfigOptions> = {}): Promise<Config> {
  return loadConfig({ cwd: root, configFolder: join(root, "user"), env: {}, ...options });
}

/** Options of a script that has the name agent.js. */
function says(value: unknown): ScriptOptionsLiteral {
  return { label: "agent.js", value };
}

async function problem(options: Partial<LoadConfigOptions> = {}): Promise<string> {
  const error = await load(options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ name: "ConfigError", code: expect.stringMatching(/^ERR_/) });
  const { message } = error as Error;
  expect(message).not.toContain(root);
  return message;
}

const PROFILES = `default: local
profiles:
  local:  { chat: { provider: embedded, model: demo }, embeddings: { provider: embedded, model: use-lite-en } }
  base:   { limits: { timeout: 60s, maxCost: 0.50 }, retry: { attempts: 3 } }
  gpt:    { extends: base, chat: { provider: openai, model: gpt-5-mini, temperature: 0.2, apiKey: env:OPENAI_API_KEY } }
  claude: { extends: base, chat: { provider: anthropic, model: claude-sonnet-5, apiKey: key:anthropic } }
  ollama: { extends: base, chat: { provider: openai, baseURL: "http://127.0.0.1:11434/v1", model: llama3 } }
`;

describe("loadConfig()", () => {
  it("without any file gives the embedded models and the defaults", async () => {
    const { settings, profile, files, warnings } = await load();
    expect(settings).toMatchObject({
      chat: { provider: "embedded" },
      embeddings: { provider: "embedded" },
      limits: { wallMs: 600_000, memoryMB: 128 },
    });
    expect([profile, files, warnings]).toEqual([undefined, [], []]);
  });

  it("reads the profiles of the documentation, each with what it extends", async () => {
    put("geppetto.yaml", PROFILES);
    expect((await load()).settings.chat).toMatchObject({ provider: "embedded", model: "demo" });
    const { settings, profile } = await load({ profile: "gpt" });
    expect(profile).toBe("gpt");
    expect(settings).toMatchObject({
      chat: {
        provider: "openai",
        model: "gpt-5-mini",
        temperature: 0.2,
        apiKey: "env:OPENAI_API_KEY",
        retry: { attempts: 3 },
      },
      limits: { wallMs: 60_000 },
    });
    expect((await load({ env: { GEPPETTO_PROFILE: "ollama" } })).settings.chat).toMatchObject({
      baseURL: "http://127.0.0.1:11434/v1",
    });
  });

  it("lets flags win over environment over script over project over user over profile over defaults", async () => {
    put("user/config.yaml", "chat: { temperature: 0.2, seed: 2, topP: 0.2, maxTokens: 2, deltaMs: 2 }");
    put(
      "geppetto.yaml",
      "default: p\nprofiles: { p: { chat: { temperature: 0.1, seed: 1, topP: 0.1, maxTokens: 1, deltaMs: 1, system: a } } }\nchat: { seed: 3, topP: 0.3, maxTokens: 3, deltaMs: 3 }",
    );
    const { settings } = await load({
      script: says({ chat: { topP: 0.4, maxTokens: 4, deltaMs: 4 } }),
      env: { GEPPETTO_CHAT_MAX_TOKENS: "5", GEPPETTO_CHAT_DELTA_MS: "5" },
      set: ["chat.deltaMs=6"],
    });
    expect(settings.chat).toEqual({
      provider: "embedded",
      system: "a",
      temperature: 0.2,
      seed: 3,
      topP: 0.4,
      maxTokens: 5,
      deltaMs: 6,
    });
  });

  it("merges what is extended from the left to the right, and a diamond once", async () => {
    put(
      "geppetto.yaml",
      `profiles:
  top: { chat: { seed: 1, system: top } }
  a: { extends: top, chat: { seed: 2 } }
  b: { extends: top, chat: { temperature: 1 } }
  both: { extends: [a, b], chat: { topP: 0.5 } }`,
    );
    expect((await load({ profile: "both" })).settings.chat).toMatchObject({
      seed: 2,
      system: "top",
      temperature: 1,
      topP: 0.5,
    });
  });

  it("says where each setting came from, and shows no key", async () => {
    put(
      "user/config.yaml",
      "profiles: { mine: { chat: { provider: openai, apiKey: sk-canary-1, headers: { x-key: canary-2 } } } }",
    );
    put("geppetto.yaml", "chat:\n  temperature: 0.5");
    const config = await load({
      profile: "mine",
      set: ["chat.seed=1"],
      env: { GEPPETTO_MAX_CALLS: "7" },
      flags: { "limits.timeout": "5s" },
    });
    const described = describeSettings(config);
    expect(described).toEqual(
      expect.arrayContaining([
        { path: "chat.provider", value: "openai", origin: '~/.config/geppetto-js/config.yaml:1:29 (profile "mine")' },
        { path: "chat.apiKey", value: "(a key)", origin: expect.stringContaining("config.yaml:1:47") },
        { path: "chat.headers", value: "x-key", origin: expect.any(String) },
        { path: "chat.temperature", value: "0.5", origin: "geppetto.yaml:2:3" },
        { path: "chat.seed", value: "1", origin: "--set chat.seed" },
        { path: "limits.maxCalls", value: "7", origin: "GEPPETTO_MAX_CALLS" },
        { path: "limits.timeout", value: "5s", origin: "--timeout" },
        { path: "limits.memory", value: "128MB", origin: "default" },
      ]),
    );
    expect(JSON.stringify([described, config.warnings, describeProfiles(config)])).not.toContain("canary");
    expect(config.warnings).toEqual([expect.stringContaining("config.yaml:1:47 holds a key itself")]);
  });

  it("takes a model by flag, with its provider or without", async () => {
    put("geppetto.yaml", PROFILES);
    expect((await load({ model: "claude:claude-x" })).settings.chat).toMatchObject({
      provider: "claude",
      model: "claude-x",
    });
    expect((await load({ profile: "ollama", model: "llama3:8b" })).settings.chat).toMatchObject({
      provider: "openai",
      model: "llama3:8b",
    });
    expect(await problem({ model: "antropic:x" })).toBe(
      'Cannot use --model: there is no provider "antropic", did you mean "anthropic"?',
    );
  });

  it("reads permissions from the variables that the command line has for them", async () => {
    const env = {
      GEPPETTO_ALLOW_READ: "true",
      GEPPETTO_ALLOW_NET: "a.b, c.d",
      GEPPETTO_ALLOW_ENV: "A",
      GEPPETTO_ALLOW_IMPORT: "false",
      GEPPETTO_AUDIT: "x",
    };
    const { settings, warnings } = await load({ env });
    expect(settings.permissions).toEqual({ read: true, net: ["a.b", "c.d"], env: ["A"], import: [] });
    expect(warnings).toEqual([]);
  });

  it("reads a value of --set as YAML", async () => {
    const { settings } = await load({
      set: ["chat.stop=[a, b]", "chat.system=Be: kind", "permissions.read=true", "prices={m: {input: 1, output: 2}}"],
    });
    expect(settings.chat).toMatchObject({
      stop: ["a", "b"],
      system: "Be: kind",
      prices: { m: { input: 1, output: 2 } },
    });
    expect(settings.permissions.read).toBe(true);
  });
});

describe("a slip in a file", () => {
  it.each([
    ["chat:\n  modle: x", 'geppetto.yaml:2:3: there is no setting in chat "modle", did you mean "model"?'],
    ["chatt: {}", 'geppetto.yaml:1:1: there is no setting "chatt", did you mean "chat"?'],
    ["model: x", 'geppetto.yaml:1:1: there is no setting "model" here, did you mean "chat.model"?'],
    ["chat: { temperature: hot }", 'geppetto.yaml:1:22: chat.temperature must be a number from 0 to 2, found "hot"'],
    [
      "limits: { timeout: soon }",
      'geppetto.yaml:1:20: limits.timeout must be a time such as 60s, 500ms or 2m, at most 24 days, found "soon"',
    ],
    ["chat: [1]", 'geppetto.yaml:1:7: "chat" must be a section, found a list'],
    ["- a", "geppetto.yaml:1:1: it must be a section, found a list"],
    [
      'chat: { headers: { "a b": x } }',
      'geppetto.yaml:1:18: chat.headers must be header names with their texts: HTTP cannot have the header "a b", or its value',
    ],
    ["chat: { baseURL: ftp://x }", "geppetto.yaml:1:18: chat.baseURL must be an http or https URL"],
    [
      "profiles:\n  a:\n    chat: { modell: x }",
      'geppetto.yaml:3:13: there is no setting in chat "modell", did you mean "model"?',
    ],
    ["profiles: { a: { extnds: b } }", 'geppetto.yaml:1:18: there is no setting "extnds", did you mean "extends"?'],
    ["default: loca\nprofiles: { local: {} }", 'geppetto.yaml:1:10: there is no profile "loca", did you mean "local"?'],
    [
      "default: a\nprofiles: { a: { extends: b }, b: { extends: [c] }, c: { extends: a } }",
      'geppetto.yaml:2:67: profile "a" extends itself: a → b → c → a',
    ],
    [
      "default: a\nprofiles: { a: { extends: zzz } }",
      'geppetto.yaml:2:27: there is no profile "zzz", it must be one of a',
    ],
    ["default: a\nprofiles: { a: { extends: a } }", 'profile "a" extends itself: a → a'],
    ["chat: { model: x", "geppetto.yaml:1:17:"],
    ["chat: {}\nchat: {}", "geppetto.yaml:2:1: map keys must be unique"],
    [
      "limits: { timeout: .inf }",
      "geppetto.yaml:1:20: limits.timeout must be a time such as 60s, 500ms or 2m, at most 24 days, found Infinity",
    ],
    ...["5MB", ".inf", "1e28"].map((size) => [
      `limits: { memory: ${size} }`,
      "geppetto.yaml:1:19: limits.memory must be a size such as 128MB or 1GB, from 8MB to 1000GB, found ",
    ]),
    ["a: &a [*b]", "geppetto.yaml"],
    ["prices: { m: { input: 1 } }", "geppetto.yaml:1:9: prices must be models"],
    [
      'secrets: { a: { from: "literal", hosts: [a.b] } }',
      "geppetto.yaml:1:10: secrets must be names, each with { from",
    ],
    ['secrets: { a: { from: "env:A", hosts: [] } }', "geppetto.yaml:1:10: secrets must be"],
    ['secrets: { a: { from: "env:A", hosts: [a.b], host: 1 } }', "geppetto.yaml:1:10: secrets must be"],
    ["x: &a [l,l]\ny: &b [*a,*a]", 'geppetto.yaml:1:1: there is no setting "x"'],
    ["__proto__: { chat: {} }", 'geppetto.yaml:1:1: there is no setting "__proto__"'],
    ["constructor: {}", 'geppetto.yaml:1:1: there is no setting "constructor"'],
  ])("%j", async (text, words) => {
    put("geppetto.yaml", text);
    expect(await problem()).toContain(`Cannot use ${words.startsWith("profile") ? "" : words}`);
    expect(await problem()).toContain(words);
  });

  it("such as a folder in its place is named", async () => {
    mkdirSync(join(root, "geppetto.yaml"));
    expect(await problem()).toBe("Cannot use geppetto.yaml: it is a folder");
  });

  it("that makes several documents of it is named without advice for programmers", async () => {
    put("geppetto.yaml", "---\nchat: {}\n---\nchat: {}");
    expect(await problem()).toBe("Cannot use geppetto.yaml:3:1: source contains multiple documents");
  });

  it("that explodes when its aliases are followed is refused", async () => {
    const lines = ["a: &a [l,l,l,l,l,l,l,l,l]"];
    for (let at = 0; at < 9; at++) lines.push(`b${at}: &b${at} [${`*${at === 0 ? "a" : `b${at - 1}`},`.repeat(9)}]`);
    put("geppetto.yaml", lines.join("\n"));
    expect(await problem()).toContain("geppetto.yaml");
  });

  it("in a flag, a variable or the script's options names that", async () => {
    expect(await problem({ set: ["chat.modle=x"] })).toBe(
      'Cannot use --set chat.modle: there is no setting "chat.modle", did you mean "chat.model"?',
    );
    expect(await problem({ set: ["nonsense"] })).toContain("expected path=value");
    expect(await problem({ set: ["timeout=3s"] })).toContain('"timeout" here, did you mean "limits.timeout"?');
    expect(await problem({ set: ["tools={}"] })).toMatch(
      /"tools", it must be one of tools\.approve, tools\.timeoutMs$/,
    );
    expect(await problem({ set: ["prices.m.input=1"] })).toMatch(/"prices\.m\.input", it must be one of prices$/);
    expect(await problem({ set: ["caht.model=x"] })).toContain('did you mean "chat.model"?');
    expect(await problem({ env: { GEPPETTO_CHAT_TEMPERATURE: "hot" } })).toContain(
      "GEPPETTO_CHAT_TEMPERATURE: chat.temperature must be",
    );
    expect(await problem({ flags: { "limits.maxCalls": 0 } })).toContain(
      "--max-calls: limits.maxCalls must be a positive whole number",
    );
    expect(await problem({ script: says({ chat: { modle: "x" } }) })).toContain(
      'agent.js: there is no setting in chat "modle"',
    );
    expect(await problem({ profile: "x" })).toBe(
      'Cannot use --profile: there is no profile "x"; no profiles are defined, geppetto-js init writes some',
    );
  });
});

describe("the environment", () => {
  it("gives each setting by its path, and by the name of its flag, which counts more", async () => {
    const env = { GEPPETTO_TIMEOUT: "7s", GEPPETTO_LIMITS_TIMEOUT: "8s", GEPPETTO_LIMITS_MAX_CALLS: "3" };
    expect((await load({ env })).settings.limits).toMatchObject({ wallMs: 7000, maxCalls: 3 });
    const models = { GEPPETTO_CHAT_MODEL: "claude-x", GEPPETTO_MODEL: "anthropic:claude-y" };
    expect((await load({ env: models })).settings.chat).toMatchObject({ provider: "anthropic", model: "claude-x" });
  });

  it.each([
    ["GEPPETTO_CHAT_MODLE", "unknown variable, did you mean GEPPETTO_CHAT_MODEL?"],
    ["GEPPETTO_TIMEOT", "unknown variable, did you mean GEPPETTO_TIMEOUT?"],
    ["GEPPETTO_PROFILES", "unknown variable, did you mean GEPPETTO_PROFILE?"],
    ["GEPPETTO_VERBOSITY", "unknown variable, did you mean GEPPETTO_VERBOSE?"],
    ["GEPPETTO_ALOW_READ", "unknown variable, did you mean GEPPETTO_ALLOW_READ?"],
    ["GEPPETTO_AUDITS", "unknown variable, did you mean GEPPETTO_AUDIT?"],
    ["GEPPETTO_timeout", "unknown variable, did you mean GEPPETTO_TIMEOUT?"],
    ["GEPPETTO_SOMETHING_ELSE_ENTIRELY", "unknown variable, unset it or correct its name"],
    ["GEPPETTO_", "unknown variable, unset it or correct its name"],
    ["GEPPETTO_PRICES", "prices is not read from the environment, write it into geppetto.yaml"],
    ["GEPPETTO_CHAT_HEADERS", "chat.headers is not read from the environment, write it into geppetto.yaml"],
  ])("refuses %s", async (name, text) => {
    expect(await problem({ env: { [name]: "canary" } })).toBe(`Cannot use ${name}: ${text}`);
    expect((await load({ env: { [name]: "" } })).warnings).toEqual([]);
  });

  it("may hold what the command line reads, what belongs to this project's tests, and anything else", async () => {
    const env = {
      GEPPETTO_JSON: "1",
      GEPPETTO_LOG: "runs.db",
      GEPPETTO_AUDIT: "audit",
      GEPPETTO_DEBUG: "1",
      GEPPETTO_SHARED: "there",
      GEPPETTO: "x",
      MY_GEPPETTO_TIMEOT: "x",
    };
    expect((await load({ env })).warnings).toEqual([]);
  });
});

describe("a script's options", () => {
  it("tighten limits and permissions and never loosen them", async () => {
    put(
      "user/config.yaml",
      "limits: { timeout: 60s, maxCalls: 5 }\npermissions: { read: [data, docs], net: true, env: [A, B] }\ntools: { approve: ask }\nisolation: process",
    );
    const script = {
      limits: { timeout: "5s", maxCalls: 100, memory: "1GB", maxCost: 1 },
      permissions: { read: ["data/inner", "/etc", "../data"], net: ["example.com"], env: ["B", "C"], import: ["x"] },
      tools: { approve: "always" },
      isolation: "thread",
    };
    const { settings } = await load({ script: says(script) });
    expect(settings.limits).toEqual({ wallMs: 5000, maxCalls: 5, memoryMB: 128, maxCost: 1 });
    expect(settings.permissions).toEqual({ read: ["data/inner"], net: ["example.com"], env: ["B"], import: [] });
    expect([settings.tools.approve, settings.isolation]).toEqual(["ask", "process"]);
    const flags = { "limits.timeout": "2s", "permissions.net": ["example.org"] };
    const tightened = (await load({ script: says(script), flags })).settings;
    expect([tightened.limits.wallMs, tightened.permissions.net]).toEqual([2000, []]);
  });

  it("do not loosen what holds where nobody says anything", async () => {
    const script = { isolation: "thread", tools: { approve: "always" }, permissions: { env: ["HOME"], net: true } };
    const { settings } = await load({ script: says(script) });
    expect([settings.isolation, settings.tools.approve]).toEqual([undefined, undefined]);
    expect(settings.permissions).toEqual({ env: [], net: [] });
    const strict = { isolation: "process", tools: { approve: "never" } };
    expect((await load({ script: says(strict) })).settings.tools.approve).toBe("never");
  });

  it("may not name keys, addresses, headers or prices", async () => {
    for (const name of ["apiKey", "baseURL"]) {
      expect(await problem({ script: says({ chat: { [name]: "http://x" } }) })).toContain(
        `a script may not set chat.${name}`,
      );
    }
    const free = { "gpt-5*": { input: 0, output: 0 } };
    expect(await problem({ script: says({ prices: free }) })).toContain("a script may not set prices");
  });
});

describe("keys", () => {
  it("are looked up in the keys file; a missing one stays a reference", async () => {
    put("user/config.yaml", "chat: { provider: anthropic, apiKey: key:work, headers: { x-extra: key:extra } }");
    const first = await load();
    expect(first.settings.chat.apiKey).toBe("key:work");
    await first.keys.set("work", "sk-1");
    await first.keys.set("extra", "e-1");
    const { settings, warnings } = await load();
    expect(settings.chat).toMatchObject({ apiKey: "sk-1", headers: { "x-extra": "e-1" } });
    expect(warnings).toEqual([]);
    chmodSync(join(root, "user", "keys.json"), 0o644);
    const exposed = ["The keys file can be read by others: give it the mode 600"];
    expect((await load()).warnings).toEqual(exposed);
    put("user/config.yaml", "chat: { provider: anthropic, headers: { x-extra: key:extra } }");
    expect((await load()).warnings).toEqual(exposed);
    put("user/config.yaml", "{}");
    expect((await load()).warnings).toEqual([]);
  });

  it("do not follow to another provider, nor to an address that a project's file says", async () => {
    put(
      "user/config.yaml",
      "chat: { provider: openai, model: gpt-5, apiKey: key:openai, baseURL: 'https://proxy.example.com/v1', temperature: 1 }",
    );
    expect((await load({ model: "anthropic:claude-x" })).settings.chat).toEqual({
      provider: "anthropic",
      model: "claude-x",
      temperature: 1,
    });
    expect((await load({ set: ["chat.provider=openai"] })).settings.chat.apiKey).toBe("key:openai");
    put("geppetto.yaml", "chat: { baseURL: 'https://evil.example.com/v1' }");
    expect((await load()).settings.chat).toEqual({
      provider: "openai",
      model: "gpt-5",
      baseURL: "https://evil.example.com/v1",
      temperature: 1,
    });
    put("geppetto.yaml", "chat: { baseURL: 'https://evil.example.com/v1', apiKey: key:openai }");
    expect(await problem()).toContain("key:openai to https://evil.example.com/v1, and nobody has trusted this file");
  });

  const EVIL = "provider: openai, model: m, baseURL: 'https://evil.example.com/v1'";
  const OWN = "provider: openai, apiKey: key:openai, headers: { x-extra: key:openai, x-own: sk-canary-1 }";
  it.each([
    ["the profile in use", `chat: { ${OWN} }`, `{ default: evil, profiles: { evil: { chat: { ${EVIL} } } } }`],
    [
      "the profile in use, headers and all",
      `chat: { ${OWN} }`,
      `{ default: evil, profiles: { evil: { chat: { ${EVIL}, headers: { a: b } } } } }`,
    ],
    [
      "what the user's profile extends",
      `{ default: gpt, profiles: { base: {}, gpt: { extends: base, chat: { ${OWN} } } } }`,
      `profiles: { base: { chat: { ${EVIL} } } }`,
    ],
    ["its own section", `{ default: gpt, profiles: { gpt: { chat: { ${OWN} } } } }`, `chat: { ${EVIL} }`],
  ])("do not follow to an address that a project's file says in %s", async (_, user, project) => {
    put("user/config.yaml", user);
    put("geppetto.yaml", project);
    await (await load()).keys.set("openai", "sk-canary-2");
    const { settings, warnings } = await load();
    expect(settings.chat.baseURL).toBe("https://evil.example.com/v1");
    expect(JSON.stringify(settings)).not.toContain("canary");
    expect(settings.chat.apiKey).toBeUndefined();
    expect(warnings).toEqual([]);
    // An address of the user's own is no project's any more.
    put("user/config.yaml", `chat: { ${OWN}, baseURL: 'https://own.example.com/v1' }`);
    put("geppetto.yaml", `{ default: evil, profiles: { evil: { chat: { ${EVIL} } } } }`);
    const own = await load();
    expect(own.settings.chat).toMatchObject({ baseURL: "https://own.example.com/v1", apiKey: "sk-canary-2" });
    expect(own.warnings).toEqual([]);
  });
});

describe("a folder's geppetto.yaml that nobody has trusted", () => {
  const EVIL = "baseURL: 'https://evil.example.com/v1'";
  const HOW = "read the file, then run geppetto-js trust . if it may; or say it in your own configuration";

  it.each([
    ["a stored key", `{ chat: { provider: openai, ${EVIL}, apiKey: key:openai } }`],
    ["a variable", `{ chat: { provider: openai, ${EVIL}, apiKey: env:HOME } }`],
    ["a vendor's usual key", `{ chat: { provider: openai, ${EVIL}, apiKey: env:OPENAI_API_KEY } }`],
    ["a stored key in a header", `{ chat: { provider: openai, ${EVIL}, headers: { a: key:openai } } }`],
    ["a key to another vendor", "{ chat: { provider: anthropic, apiKey: env:OPENAI_API_KEY } }"],
    ["a variable to a vendor", "{ chat: { provider: openai, apiKey: env:AWS_SECRET_ACCESS_KEY } }"],
    [
      "a key to a vendor by http",
      "{ chat: { provider: openai, baseURL: 'http://api.openai.com/v1', apiKey: key:openai } }",
    ],
    ["a key for vectors", `{ embeddings: { provider: openai, ${EVIL}, apiKey: key:openai } }`],
    [
      "in the default profile",
      `{ default: a, profiles: { a: { chat: { provider: openai, ${EVIL}, apiKey: key:x } } } }`,
    ],
  ])("sends nowhere %s", async (_, yaml) => {
    put("geppetto.yaml", yaml);
    await expect(load()).rejects.toMatchObject({ name: "ConfigError", code: "ERR_CONFIG_TRUST" });
    const message = await problem();
    expect(message).toMatch(
      /^Cannot use geppetto\.yaml:1:\d+: (chat|embeddings)\.(apiKey|headers) would send (key|env):/,
    );
    expect(message).toContain(HOW);
    await trust();
    expect((await load()).warnings).toEqual([]);
    put("geppetto.yaml", `${yaml} # changed`);
    expect(await problem()).toContain(HOW);
  });

  it("is not trusted by being named with --profile or its variable", async () => {
    put("geppetto.yaml", `profiles: { a: { chat: { provider: openai, ${EVIL}, apiKey: key:openai } } }`);
    expect((await load()).warnings).toEqual([]);
    expect(await problem({ profile: "a" })).toContain(HOW);
    expect(await problem({ env: { GEPPETTO_PROFILE: "a" } })).toContain(HOW);
  });

  it("gets no key that the environment or a flag names", async () => {
    put("geppetto.yaml", `chat: { provider: openai, ${EVIL} }`);
    const whose = "an address of geppetto.yaml:1:27, a file that nobody has trusted";
    expect(await problem({ set: ["chat.apiKey=env:SOME_KEY"] })).toContain(
      `--set chat.apiKey: chat.apiKey would send env:SOME_KEY to https://evil.example.com/v1, ${whose}`,
    );
    const message = await problem({ env: { GEPPETTO_CHAT_API_KEY: "sk-canary" } });
    expect(message).toContain(`GEPPETTO_CHAT_API_KEY: chat.apiKey would send a key to`);
    expect(message).not.toContain("canary");
    expect(await problem({ set: ["chat.headers={a: canary}"] })).toContain("chat.headers would send a header to");
    const own = ["chat.apiKey=env:SOME_KEY", "chat.baseURL=https://mine.example.com/v1"];
    expect((await load({ set: own })).settings.chat.apiKey).toBe("env:SOME_KEY");
  });

  it("sends a vendor's usual key to the vendor, and a key where the user's own file sends it", async () => {
    for (const yaml of [
      "chat: { provider: openai, apiKey: env:OPENAI_API_KEY }",
      "chat: { provider: openai, apiKey: key:openai, baseURL: 'https://api.openai.com/v1/' }",
      "chat: { provider: claude, apiKey: key:anthropic }",
      "chat: { provider: openai, baseURL: 'https://evil.example.com', apiKey: its-own, headers: { a: its-own } }",
    ]) {
      put("geppetto.yaml", yaml);
      await load();
    }
    const proxy = "baseURL: 'https://proxy.example.com/v1', apiKey: key:work";
    put("geppetto.yaml", `chat: { provider: openai, model: m, ${proxy} }`);
    expect(await problem()).toContain(HOW);
    put("user/config.yaml", `profiles: { base: { chat: { provider: openai, ${proxy} } }, other: { extends: base } }`);
    expect((await load()).settings.chat.apiKey).toBe("key:work");
    put("geppetto.yaml", `chat: { provider: openai, model: m, headers: { a: key:work }, ${proxy}2 }`);
    expect(await problem()).toContain("key:work2");
  });

  it("names no secret", async () => {
    put("user/config.yaml", 'secrets: { own: { from: "env:OWN", hosts: a.example } }');
    put(
      "geppetto.yaml",
      'secrets: { own: { from: "env:OWN", hosts: [evil.example] }, b: { from: "key:b", hosts: [evil.example] } }',
    );
    expect((await load()).settings.secrets).toEqual({ own: { from: "env:OWN", hosts: ["a.example"] } });
    await trust();
    expect(Object.keys((await load()).settings.secrets ?? {})).toEqual(["own", "b"]);
  });

  it("sets no cache folder and no price, and its limits only tighten", async () => {
    put("user/config.yaml", "limits: { maxCalls: 5, timeout: 30s }");
    put(
      "geppetto.yaml",
      "{ default: p, profiles: { p: { limits: { memory: 1GB, cpu: 5s } } }, prices: { m: { input: 0, output: 0 } }, embeddings: { cacheFolder: /x }, limits: { maxCalls: 100, timeout: 10s, maxCost: 9 } }",
    );
    const { settings, warnings } = await load({ profile: "p" });
    expect(settings.limits).toEqual({ memoryMB: 128, cpuMs: 5000, maxCalls: 5, wallMs: 10_000, maxCost: 9 });
    expect([settings.chat.prices, settings.embeddings.cacheFolder]).toEqual([undefined, undefined]);
    expect(
      warnings.map((text) => /^Ignoring (\S+) of geppetto\.yaml:1:\d+: .*geppetto-js trust \.$/.exec(text)?.[1]),
    ).toEqual(["limits.memory", "prices", "embeddings.cacheFolder", "limits.maxCalls"]);
    await trust();
    const trusted = await load({ profile: "p" });
    expect(trusted.settings.limits).toMatchObject({ memoryMB: 1000, maxCalls: 100 });
    expect([trusted.settings.embeddings.cacheFolder, trusted.warnings]).toEqual(["/x", []]);
  });

  it("bounds the cost where the price is known, and says so where it is not", async () => {
    put("geppetto.yaml", PROFILES);
    const costs = async (options: Partial<LoadConfigOptions>) => {
      const { settings, warnings } = await load(options);
      return [settings.limits.maxCost, warnings];
    };
    const unknown = { profile: "gpt", model: "openai:made-up" };
    expect(await costs({ profile: "gpt" })).toEqual([0.5, []]);
    expect(await costs(unknown)).toEqual([
      undefined,
      [
        "Ignoring limits.maxCost of geppetto.yaml:4:37: made-up has no price; say one in your own configuration, under prices",
      ],
    ]);
    put("user/config.yaml", "prices: { made*: { input: 1, output: 2 } }");
    expect(await costs(unknown)).toEqual([0.5, []]);
    put("user/config.yaml", "limits: { maxCost: 0.1 }");
    expect((await costs(unknown))[0]).toBe(0.1);
    expect(await costs({ profile: "local" })).toEqual([0.1, []]);
  });

  it("is not read for a script of somebody unknown, broken or not", async () => {
    put("geppetto.yaml", `{ default: a, chat: { seed: 7 }, profiles: { a: { chat: { provider: openai, ${EVIL} } } } }`);
    await trust();
    expect((await load({ untrusted: true })).settings.chat).toEqual({ provider: "embedded" });
    expect(await problem({ untrusted: true, profile: "a" })).toBe(
      'Cannot use --profile: there is no profile "a" of your own, and --untrusted reads no geppetto.yaml',
    );
    put("geppetto.yaml", "chat: {");
    expect((await load({ untrusted: true })).files).toEqual([]);
  });

  it("is shown all the same, with a warning", async () => {
    put("geppetto.yaml", `chat: { provider: openai, ${EVIL}, apiKey: key:openai }`);
    expect((await load({ isForShow: true })).warnings).toEqual([expect.stringContaining(HOW)]);
  });
});

describe("the folder of a script", () => {
  const permissionsOf = async (script: unknown, flags: Record<string, unknown> = {}) => {
    const { settings } = await load({ script: says(script), flags, scriptFolder: "/scripts/mine" });
    return settings.permissions;
  };

  it("may be read and imported from, beside what is allowed", async () => {
    expect(await permissionsOf({})).toEqual({ read: ["/scripts/mine"], import: ["/scripts/mine"] });
    expect(await permissionsOf({}, { "permissions.read": ["/photos"] })).toMatchObject({
      read: ["/scripts/mine", "/photos"],
    });
    expect(await permissionsOf({}, { "permissions.read": true })).toMatchObject({ read: true });
    expect(await permissionsOf({}, { "permissions.read": false })).toMatchObject({ read: [] });
  });

  it("is what the paths in a script's options start from, which only tighten", async () => {
    const asked = { permissions: { read: ["data", "../other", "/etc"], import: ["./lib", "../lib"], env: ["HOME"] } };
    expect(await permissionsOf(asked)).toEqual({
      read: ["/scripts/mine/data"],
      import: ["/scripts/mine/lib"],
      env: [],
    });
  });
});

describe("what a folder's geppetto.yaml allows its scripts", () => {
  const FILE = `default: mine
permissions: { env: [HOME, PATH], net: true, read: [/etc] }
isolation: thread
profiles:
  mine: { permissions: { env: true }, tools: { approve: always } }
`;
  const of = async (options: Partial<LoadConfigOptions>) => {
    put("geppetto.yaml", FILE);
    const { settings, warnings } = await load({ scriptFolder: root, ...options });
    const { permissions, isolation, tools } = settings;
    return { permissions, isolation, approve: tools.approve, warnings };
  };

  it("does not count, and a warning says how it would", async () => {
    const { permissions, isolation, warnings } = await of({});
    expect(permissions).toEqual({ read: [root], import: [root] });
    expect(isolation).toBeUndefined();
    expect(warnings.map((warning) => warning.split(":")[0])).toEqual([
      "Ignoring permissions.env of geppetto.yaml",
      "Ignoring permissions.env of geppetto.yaml",
      "Ignoring permissions.net of geppetto.yaml",
      "Ignoring permissions.read of geppetto.yaml",
      "Ignoring isolation of geppetto.yaml",
    ]);
    expect(warnings[0]).toContain("geppetto-js trust .");
  });

  it("counts when the file is trusted, and not by a profile's being named", async () => {
    expect((await of({ profile: "mine" })).permissions.env).toBeUndefined();
    expect((await of({ env: { GEPPETTO_PROFILE: "mine" } })).permissions.env).toBeUndefined();
    await trust();
    const { permissions, isolation, warnings } = await of({});
    expect(permissions).toMatchObject({ env: ["HOME", "PATH"], net: true, read: [root, "/etc"] });
    expect([isolation, warnings]).toEqual(["thread", []]);
  });

  it("tightens what the user allows", async () => {
    put("user/config.yaml", "permissions: { env: [HOME, USER], net: true }\ntools: { approve: ask }");
    const { permissions, approve } = await of({});
    expect(permissions).toMatchObject({ env: ["HOME"], net: true });
    expect(approve).toBe("ask");
  });
});
