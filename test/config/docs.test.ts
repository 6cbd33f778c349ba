import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { checkConfig } from "../../src/config/describe-config.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { readScriptOptions } from "../../src/config/script/script-options-literal.ts";

const read = (path: string): string => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), "utf8");
const documents = ["docs/configuration.md"];

function blocks(text: string, language: string): string[] {
  return [...text.matchAll(/^```(\w*)\n([^]*?)^```$/gm)]
    .filter((block) => block[1] === language)
    .map((block) => block[2]!);
}

describe("the documents", () => {
  const yaml = documents.flatMap((path) => blocks(read(path), "yaml").map((text) => [path, text] as const));

  it("show at least one file each", () => {
    const withProfiles = yaml.filter(([, text]) => text.includes("profiles:"));
    expect(new Set(withProfiles.map(([path]) => path))).toEqual(new Set(documents));
  });

  it.each(yaml)("show in %s a file whose profiles can all be used", async (_, text) => {
    const folder = mkdtempSync(join(tmpdir(), "docs-"));
    try {
      writeFileSync(join(folder, "geppetto.yaml"), text);
      const options = { cwd: folder, configFolder: folder, env: {} };
      const { profiles } = await loadConfig(options);
      expect(profiles.size > 0).toBe(text.includes("profiles:"));
      const env = { OPENAI_API_KEY: "k", ANTHROPIC_API_KEY: "k" };
      for (const profile of profiles.keys()) {
        const checks = await checkConfig(await loadConfig({ ...options, profile }), env);
        const failed = checks.filter(({ status, hint }) => status === "error" && !hint.includes("keys set"));
        expect(failed).toEqual([]);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("show options that a script may have", async () => {
    const [source] = blocks(read("docs/configuration.md"), "js");
    const { settings } = await loadConfig({
      cwd: "/nowhere",
      configFolder: "/nowhere",
      env: {},
      script: readScriptOptions(source!, "a.js"),
    });
    expect(settings).toMatchObject({ chat: { temperature: 0 }, limits: { wallMs: 30_000, maxCalls: 5 } });
  });

  it("hold the table of settings as the code has it", () => {
    const script = fileURLToPath(new URL("../../scripts/write-settings-docs.mjs", import.meta.url));
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, "--check"], { encoding: "utf8" });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "", stderr: "" });
  });
});
