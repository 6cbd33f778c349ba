import { mkdirSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { afterAll, expect, it, vi } from "vitest";
import { userHome } from "../../../src/base/files/user-home.ts";
import { ConfigFolder } from "../config-folder.ts";

const folder = new ConfigFolder();
afterAll(() => folder.remove());

const PROFILE = "of-the-folder";

/** The folder holds what looks like the user's own configuration, from where the command runs. */
function plant(below: string): void {
  const path = join(below, "geppetto-js");
  mkdirSync(join(folder.path, path), { recursive: true });
  folder.file(join(path, "config.yaml"), `profiles: { ${PROFILE}: { chat: { provider: embedded } } }`);
}

it.each([
  ["an empty HOME", ".config", { HOME: "", XDG_CONFIG_HOME: undefined }],
  ["a relative HOME", "home/.config", { HOME: "home", XDG_CONFIG_HOME: undefined }],
  ["a relative XDG_CONFIG_HOME", "own", { HOME: join(folder.path, "away"), XDG_CONFIG_HOME: "own" }],
])("takes no file of the working folder for the user's own, with %s", async (_, below, env) => {
  plant(below);
  const { code, stdout } = await folder.cli(["profiles", "list"], { env });
  expect({ code, isThere: stdout.includes(PROFILE) }).toEqual({ code: 0, isThere: false });
});

it("finds a configuration where an absolute HOME says it is", async () => {
  plant("home/.config");
  const env = { HOME: join(folder.path, "home"), XDG_CONFIG_HOME: undefined };
  const { code, stdout } = await folder.cli(["profiles", "list"], { env });
  expect({ code, isThere: stdout.includes(PROFILE) }).toEqual({ code: 0, isThere: true });
});

it("knows a home for whom the system knows none", async () => {
  vi.resetModules();
  vi.doMock("node:os", () => {
    const unknown = (): never => {
      throw new Error("A system error occurred: uv_os_homedir returned ENOENT (no such file or directory)");
    };
    return { homedir: unknown, userInfo: unknown };
  });
  const fresh = await import("../../../src/base/files/user-home.ts");
  vi.doUnmock("node:os");
  expect(isAbsolute(fresh.userHome({}))).toBe(true);
  expect(fresh.userHome({ HOME: folder.path })).toBe(folder.path);
  expect(isAbsolute(userHome({ HOME: "there" }))).toBe(true);
});
