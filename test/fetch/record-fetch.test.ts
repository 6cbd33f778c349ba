import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TestServer } from "./test-server.ts";
import { IN_CI, TestFolder } from "../testing/test-folder.ts";
import { runCli, type CliResult } from "../cli/run-cli.ts";

let folder: TestFolder;
let server: TestServer;

beforeEach(async () => {
  folder = new TestFolder();
  let count = 0;
  server = await TestServer.start({
    "/count": (_, response) => response.end(`answer ${++count} of sk-test-0123456789ab`),
  });
});
afterEach(async () => {
  await server[Symbol.asyncDispose]().catch(() => {});
  folder.remove();
});

const script = (path = "/count"): string =>
  `const text = await (await fetch(${JSON.stringify(server.url + path)})).text(); console.log(text.slice(0, 8));`;

describe("run --record and --replay", () => {
  it("keep what a script fetches, and give it again without the network", async () => {
    folder.files({ "ask.js": script(), "other.js": script("/other") });
    const net = `--allow-net=${server.host}`;
    const run = (...args: string[]): Promise<CliResult> => runCli(["run", "-q", ...args], { cwd: folder.path });
    expect(await run("--record=a.json", net, "ask.js")).toMatchObject({ code: 0, stdout: "answer 1\n" });
    expect(folder.read("a.json")).not.toContain("sk-test");
    await server[Symbol.asyncDispose]();
    expect(await run("--replay=a.json", net, "ask.js")).toMatchObject({ code: 0, stdout: "answer 1\n" });
    const miss = await run("--replay=a.json", net, "other.js");
    expect(miss).toMatchObject({ code: 79, stdout: "" });
    expect(miss.stderr).toMatch(/ERR_REPLAY_MISS.*the request GET http:.*\/other was not recorded/s);
    expect(await run("--replay=a.json", "ask.js")).toMatchObject({ code: 77, stdout: "" });
  });
});

describe("geppetto-js test", () => {
  it("records what a script fetches with its golden, and asks nobody from then on", async () => {
    folder.files({ "ask.js": script() });
    const [net, other] = [`--allow-net=${server.host}`, script("/other")];
    expect(await folder.test([net])).toMatchObject({ code: 0 });
    expect(server.asked).toHaveLength(1);
    expect(folder.read("ask.golden")).toBe("answer 1\n");
    await server[Symbol.asyncDispose]();
    expect(await folder.test([net], { env: IN_CI })).toMatchObject({ code: 0 });
    folder.files({ "ask.js": other });
    const failed = await folder.test([net], { env: IN_CI });
    expect(failed.code).toBe(1);
    expect(failed.stdout + failed.stderr).toMatch(/the request GET http:.*\/other was not recorded/);
  });
});
