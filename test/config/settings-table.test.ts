import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readerOf } from "../../src/config/setting-kinds.ts";
import {
  flagVariable,
  RUN_OPTION_BY_KEY,
  SETTING_BY_PATH,
  settingVariable,
  VARIABLES,
  waysToSet,
} from "../../src/config/table/names.ts";
import { resolveProviderSettings } from "../../src/providers/settings.ts";

const settings = [...SETTING_BY_PATH];
const flags = [...settings.map(([, { flag }]) => flag), ...[...RUN_OPTION_BY_KEY.values()].map(({ flag }) => flag)];
const names = flags.flatMap((flag) => (flag === undefined ? [] : [flag.name, ...(flag.short ? [flag.short] : [])]));

function repeated(list: readonly string[]): string[] {
  return list.filter((name, index) => list.indexOf(name) !== index);
}

describe("the table of settings", () => {
  it.each(settings)("has a default for %s that the setting takes", (_, setting) => {
    const { read } = readerOf(setting);
    if (setting.default !== undefined) expect(read(setting.default)).toBeDefined();
    if (typeof setting.merge === "object") {
      expect(new Set(setting.merge.strictestFirst)).toEqual(new Set(setting.kind));
      expect(read(setting.implied)).toBeDefined();
    }
  });

  it("gives no name twice", () => {
    expect(repeated(names)).toEqual([]);
    expect(repeated(settings.map(([path, { inside = path }]) => inside))).toEqual([]);
    // The variable of a flag may be that of its setting's path, as GEPPETTO_ISOLATION is.
    const variables = settings.flatMap(([path, { flag }]) => [
      ...new Set([settingVariable(path), flag && flagVariable(flag)].filter((name) => name !== undefined)),
    ]);
    expect(repeated(variables)).toEqual([]);
  });

  it("has a variable for each setting but those that are records", () => {
    for (const [path, { merge }] of settings) {
      const variable = settingVariable(path);
      if (merge === "by key") expect(variable).toBeUndefined();
      else expect(VARIABLES).toContain(variable);
    }
    expect(settingVariable("chat.baseURL")).toBe("GEPPETTO_CHAT_BASE_URL");
    expect(settingVariable("chat.headerTimeoutMs")).toBe("GEPPETTO_CHAT_HEADER_TIMEOUT_MS");
  });

  it("describes each setting and each flag in one line without a full stop", () => {
    const texts = [...settings.map(([, { help }]) => help), ...[...RUN_OPTION_BY_KEY.values()].map(({ help }) => help)];
    for (const text of texts) expect(text).toMatch(/^[^\n]*[^\n.]$/);
  });

  it("says of waits what the providers do", () => {
    const { headerTimeoutMs, idleTimeoutMs } = resolveProviderSettings({ provider: "openai" }, {});
    const implied = (path: string): unknown => {
      const setting = SETTING_BY_PATH.get(path)!;
      return readerOf(setting).read(setting.implied);
    };
    expect([implied("chat.headerTimeoutMs"), implied("chat.idleTimeoutMs")]).toEqual([headerTimeoutMs, idleTimeoutMs]);
  });
});

describe("waysToSet()", () => {
  it.each([
    ["limits.wallMs", "limits.wallMs or --timeout"],
    ["limits.memoryMB", "limits.memoryMB or --memory"],
    ["limits.maxTokens", "limits.maxTokens or --max-tokens"],
    ["limits.timers", "limits.timers"],
    ["chat.seed", "chat.seed"],
  ])("of %s is %s", (inside, ways) => {
    expect(waysToSet(inside)).toBe(ways);
  });
});

it("no file below the command line names a flag but the table, the catalogue of errors and the hints", () => {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const files = ["src", "runtime-setup"].flatMap((folder) =>
    readdirSync(root + folder, { recursive: true, encoding: "utf8" }).map((file) => `${folder}/${file}`),
  );
  const below = files.filter(
    (file) => file.endsWith(".ts") && !/\.d\.ts$|^src\/(?:cli|config\/table|errors|hints)\//.test(file),
  );
  expect(below.length).toBeGreaterThan(100);
  const long = names.filter((name) => name.startsWith("--"));
  const named = below.flatMap((file) => {
    const code = readFileSync(root + file, "utf8")
      .replace(/\/\*[^]*?\*\//g, "")
      .replace(/^\s*\/\/.*$/gm, "");
    return long
      .filter((flag) => new RegExp(`(?<![\\w-])${flag}(?![\\w-])`).test(code))
      .map((flag) => `${file}: ${flag}`);
  });
  expect(named).toEqual([]);
});
