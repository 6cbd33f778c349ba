import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigFolder } from "../config-folder.ts";
import { CANARY_KEY } from "../run-cli.ts";

let folder: ConfigFolder;
beforeEach(() => {
  folder = new ConfigFolder();
});
afterEach(() => folder.remove());

const PROJECT = `default: gpt
profiles:
  base: { description: what all share, limits: { timeout: 60s, memory: 64MB } }
  gpt:  { extends: base, chat: { provider: openai, model: gpt-5-mini, apiKey: env:OPENAI_API_KEY } }
`;

describe("profiles list", () => {
  it("shows those of both files, what they extend and which is in use", async () => {
    folder.project(PROJECT);
    folder.user("profiles: { mine: { chat: { provider: claude } } }");
    const { code, stdout, stderr } = await folder.cli(["profiles", "list"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toBe(
      `   mine  ~/.config/geppetto-js/config.yaml
   base  geppetto.yaml                      what all share
*  gpt   geppetto.yaml                      extends base
`,
    );
    const { stdout: json } = await folder.cli(["profiles", "list", "--json"], { env: { GEPPETTO_PROFILE: "mine" } });
    expect(JSON.parse(json)).toMatchObject([
      { name: "mine", isCurrent: true },
      { name: "base" },
      { extends: ["base"] },
    ]);
  });

  it("says where profiles would be where there are none", async () => {
    const { code, stdout, stderr } = await folder.cli(["profiles", "list"]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
    expect(stderr).toBe(
      "there are no profiles; write some into ./geppetto.yaml or ~/.config/geppetto-js/config.yaml\n",
    );
  });

  it("names the place of a mistake with exit code 78", async () => {
    folder.project("profiles:\n  a: { chat: { modle: x } }");
    const { code, stderr } = await folder.cli(["profiles", "list"]);
    expect(code).toBe(78);
    expect(stderr).toMatch(/geppetto\.yaml:2:16: .*did you mean "model"/);
  });
});

describe("profiles show", () => {
  it("shows the settings of the profile in use, or of the one that is named", async () => {
    folder.project(PROJECT);
    expect((await folder.cli(["profiles", "show"])).stdout).toBe(
      `chat.provider         openai
chat.model            gpt-5-mini
chat.apiKey           env:OPENAI_API_KEY
embeddings.provider   embedded
limits.timeout        60s
limits.memory         64MB
durable.suspendAfter  5s
`,
    );
    expect((await folder.cli(["profiles", "show", "base"])).stdout).toMatch(/^chat\.provider +embedded\n/);
    const { code, stderr } = await folder.cli(["profiles", "show", "bsae"]);
    expect(code).toBe(78);
    expect(stderr).toContain('there is no profile "bsae", did you mean "base"?');
  });

  it("keeps each setting on one line, and hides what an address says of a user", async () => {
    folder.project(
      'chat: { provider: openai, model: m, baseURL: "http://ann:secret@llm.local/v1", system: "one\\n  two" }',
    );
    const { stdout } = await folder.cli(["profiles", "show"]);
    expect(stdout).toMatch(/^chat\.baseURL +http:\/\/…@llm\.local\/v1$/m);
    expect(stdout).toMatch(/^chat\.system +one two$/m);
  });

  it("says with --origin where each value comes from, and shows no key", async () => {
    folder.user(`chat: { apiKey: ${CANARY_KEY}, headers: { x-key: ${CANARY_KEY} } }`);
    folder.project(PROJECT);
    const env = { GEPPETTO_CHAT_SEED: "3" };
    const { stdout, stderr } = await folder.cli(["profiles", "show", "gpt", "--origin"], { env });
    expect(stdout).toMatch(/^chat\.model +gpt-5-mini +geppetto\.yaml:4:52 \(profile "gpt"\)$/m);
    expect(stdout).toMatch(/^chat\.apiKey +\(a key\) +~\/\.config\/geppetto-js\/config\.yaml:1:9$/m);
    expect(stdout).toMatch(/^chat\.headers +x-key +~\/\.config/m);
    expect(stdout).toMatch(/^chat\.seed +3 +GEPPETTO_CHAT_SEED$/m);
    expect(stdout).toMatch(/^limits\.timeout +60s +geppetto\.yaml:3:50 \(profile "base"\)$/m);
    expect(stderr).toContain("holds a key itself");
    const { stdout: json } = await folder.cli(["profiles", "show", "gpt", "--json"], { env });
    expect(JSON.parse(json)).toMatchObject({ profile: "gpt", settings: expect.any(Array) as unknown });
  });
});

const GO = `default:
  ai-chat: { ai-api-type: openai, ai-engine: gpt-4o-mini }
  openai-chat: { openai-api-key: ${CANARY_KEY} }
other:
  ai-chat: { ai-api-type: claude, ai-engine: claude-x }
  api: { claude-api-key: ${CANARY_KEY}-2 }
  something: { else: 1 }
`;

describe("profiles import", () => {
  const config = (): string => join(folder.configHome, "geppetto-js", "config.yaml");

  it("writes the user's configuration, stores the keys apart and says what it left out", async () => {
    const { code, stdout, stderr } = await folder.cli(["profiles", "import", folder.file("go.yaml", GO)]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
    expect(stderr).toMatch(
      /^2 profiles in config-home\/geppetto-js\/config\.yaml: default, other\nkeys: openai, claude\n/,
    );
    expect(stderr).toContain("other: left out something.else\n");
    expect(readFileSync(config(), "utf8")).not.toContain(CANARY_KEY);
    expect(JSON.parse(readFileSync(folder.keysFile, "utf8"))).toMatchObject({ openai: CANARY_KEY });
    expect(folder.modeOf(folder.keysFile)).toBe(0o600);
    const shown = (await folder.cli(["profiles", "show", "other"])).stdout;
    expect(shown).toMatch(/^chat\.provider +anthropic\nchat\.model +claude-x\nchat\.apiKey +key:claude\n/);
  });

  it("writes over no file and replaces no key", async () => {
    folder.user("chat: { seed: 1 }\n");
    await folder.cli(["keys", "set", "openai"], { input: "mine" });
    const { code, stderr } = await folder.cli(["profiles", "import", folder.file("go.yaml", GO)]);
    expect(code).toBe(78);
    expect(stderr).toMatch(/it is there already; give --out another file/);
    expect(readFileSync(config(), "utf8")).toBe("chat: { seed: 1 }\n");
    const out = folder.file("out.yaml", "mine: 1");
    expect((await folder.cli(["profiles", "import", "go.yaml", "--out", out])).stderr).toContain("it is there already");
    expect(readFileSync(out, "utf8")).toBe("mine: 1");
    const printed = await folder.cli(["profiles", "import", "go.yaml", "--out", "-"]);
    expect(printed).toMatchObject({ code: 0, stdout: expect.stringContaining("key:openai") as unknown });
    expect(printed.stderr).toContain("key openai: left out, another key of this name is stored\n");
    expect(JSON.parse(readFileSync(folder.keysFile, "utf8"))).toMatchObject({ openai: "mine" });
  });

  it("reads stdin, and tells scripts what came of it", async () => {
    const { stdout } = await folder.cli(["profiles", "import", "-", "--out", "new.yaml", "--json"], { input: GO });
    expect(JSON.parse(stdout)).toMatchObject({
      file: "new.yaml",
      profiles: ["default", "other"],
      keys: ["openai", "claude"],
    });
    expect(existsSync(join(folder.path, "new.yaml"))).toBe(true);
  });

  it.each([
    ["is not there", "none.yaml", 66, /Cannot import none\.yaml: there is no such file/],
    ["is no YAML", "broken.yaml", 78, /broken\.yaml:1:/],
    ["holds no profiles", "empty.yaml", 78, /ERR_CONFIG_IMPORT/],
  ])("refuses a file that %s", async (_, file, exitCode, text) => {
    folder.file("broken.yaml", "a: {");
    folder.file("empty.yaml", "");
    const { code, stderr } = await folder.cli(["profiles", "import", file]);
    expect(code).toBe(exitCode);
    expect(stderr).toMatch(text);
    expect(existsSync(config())).toBe(false);
  });
});
