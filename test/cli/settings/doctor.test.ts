import { realpathSync, utimesSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startScriptedServer } from "../../chat/scripted-server.ts";
import { ConfigFolder } from "../config-folder.ts";
import { CANARY_KEY } from "../run-cli.ts";

let folder: ConfigFolder;
beforeEach(() => {
  folder = new ConfigFolder();
});
afterEach(() => folder.remove());

interface Finding {
  name: string;
  status: string;
  detail: string;
  hint: string;
}

async function doctor(args: readonly string[] = [], env: Record<string, string | undefined> = {}) {
  const { code, stdout, stderr } = await folder.cli(["doctor", "--json", ...args], { env });
  const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: Finding[] };
  return { code, stderr, ok, checks: Object.fromEntries(checks.map(({ name, ...rest }) => [name, rest])) };
}

describe("doctor", () => {
  it("says that the keys file is damaged, whether or not a key of it is wanted, and checks the rest", async () => {
    folder.user("{}");
    writeFileSync(folder.keysFile, `{ "work": "${CANARY_KEY}" `);
    const { code, stderr, checks } = await doctor();
    expect({ code, stderr }).toEqual({ code: 78, stderr: "" });
    expect(checks["keys"]).toMatchObject({
      status: "error",
      detail: expect.stringMatching(/^Cannot read the keys file/),
    });
    expect(checks["process"]).toMatchObject({ status: "ok" });
    const wanted = await doctor(["--set", "chat.apiKey=key:work"]);
    expect(wanted).toMatchObject({
      code: 78,
      checks: { configuration: { status: "error" }, process: { status: "ok" } },
    });
  });

  it("finds all well without any configuration, and starts each kind of engine for that", async () => {
    const { code, stdout, stderr } = await folder.cli(["doctor"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const name of [
      "node",
      "configuration",
      "chat",
      "embeddings",
      "keys",
      "thread",
      "process",
      "run log",
      "nats",
    ]) {
      expect(stdout).toMatch(new RegExp(`^ok {7}${name} `, "m"));
    }
    expect(stdout).toMatch(/^ok +process +runs scripts, \d+ ms to the first value$/m);
    expect(stdout).not.toMatch(/^ok +online/m);
    expect((await doctor()).ok).toBe(true);
  });

  it("finds copies of the keys file that a killed program has left, and names the folders that are trusted", async () => {
    folder.project("chat: { seed: 1 }");
    const left = `${folder.keysFile}.0b5f.partial`;
    writeFileSync(left, "{}");
    utimesSync(left, 0, 0);
    const { code, checks } = await doctor();
    expect(code).toBe(0);
    expect(checks["left-overs"]).toMatchObject({ status: "warning", detail: `${left}: they may hold keys` });
    expect(checks["trust"]).toMatchObject({ status: "ok", detail: "the geppetto.yaml of this folder is trusted" });
    expect(checks["trusted"]).toMatchObject({ detail: realpathSync(folder.path) });
    await folder.cli(["keys", "set", "a"], { input: "k" });
    expect((await doctor()).checks).not.toHaveProperty("left-overs");
  });

  it("asks no server without --online", async () => {
    const server = await startScriptedServer();
    server.play({ text: "ready" });
    folder.project(`chat: { provider: openai, model: scripted, baseURL: "${server.settings.baseURL}" }`);
    try {
      expect((await doctor()).code).toBe(0);
      expect(server.bodies).toHaveLength(0);
      const { code, checks } = await doctor(["--online"]);
      expect(server.bodies).toHaveLength(1);
      expect(server.bodies[0]!["max_tokens"]).toBe(512);
      expect({ code, online: checks["online"] }).toMatchObject({
        code: 0,
        online: { status: "ok", detail: expect.stringMatching(/^openai answered in \d+ ms: "ready"$/) as unknown },
      });
    } finally {
      await server.close();
    }
  });

  it("says with --online why the model does not answer, with exit code 1", async () => {
    folder.project('chat: { provider: openai, baseURL: "http://127.0.0.1:1/v1" }');
    const { code, ok, checks } = await doctor(["--online"]);
    expect({ code, ok }).toEqual({ code: 1, ok: false });
    expect(checks["online"]).toMatchObject({
      status: "error",
      detail: expect.stringContaining("ERR_PROVIDER_UNREACHABLE") as unknown,
      hint: "check the base URL and that the server runs",
    });
  });

  it("misses a key with exit code 78 and a hint", async () => {
    const env = { OPENAI_API_KEY: undefined };
    const { code, checks } = await doctor(["-m", "openai:gpt-5-mini"], env);
    expect(code).toBe(78);
    expect(checks["chat"]).toEqual({
      status: "error",
      detail: "openai:gpt-5-mini has no key",
      hint: "set OPENAI_API_KEY to a valid key",
    });
    const { stdout } = await folder.cli(["doctor", "-m", "openai:gpt-5-mini"], { env });
    expect(stdout).toMatch(/^error +chat +openai:gpt-5-mini has no key\n +hint: set OPENAI_API_KEY/m);
  });

  it("goes on with the rest where the configuration cannot be read", async () => {
    folder.project("chat: { modle: x }");
    const { code, checks } = await doctor(["--online"]);
    expect(code).toBe(78);
    expect(checks["configuration"]).toMatchObject({
      status: "error",
      detail: expect.stringContaining("geppetto.yaml:1:9") as unknown,
    });
    expect(checks["process"]).toMatchObject({ status: "ok" });
    expect(checks).not.toHaveProperty("online");
  });

  it("warns of a log that cannot be written, of slips and of literal keys, and is well all the same", async () => {
    folder.project(`chat: { provider: openai, apiKey: ${CANARY_KEY} }`);
    const { code, checks } = await doctor([], { GEPPETTO_LOG: `${folder.file("file", "")}/runs.db` });
    expect(code).toBe(0);
    expect(checks["run log"]).toMatchObject({
      status: "warning",
      hint: expect.stringContaining("GEPPETTO_LOG") as unknown,
    });
    expect(checks["warning"]).toMatchObject({ detail: expect.stringContaining("holds a key itself") as unknown });
  });
});
