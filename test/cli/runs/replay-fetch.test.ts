import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { TestServer } from "../../fetch/test-server.ts";
import { runCli, ScriptFolder, type CliResult } from "../run-cli.ts";

const TOKEN = "a-token-nobody-sees-0815";
const folder = new ScriptFolder();
afterAll(() => folder.remove());

describe("runs replay of a script that fetches", () => {
  it("asks nobody, has no secret in its log, and answers another script as well", async () => {
    let count = 0;
    const server = await TestServer.start({
      "/": (_, response) => {
        response.setHeader("x-count", ++count);
        response.write(`${count} for `);
        response.end(server.asked.at(-1)!.headers.authorization);
      },
    });
    const { url } = server;
    const log = join(folder.path, "log", "runs.db");
    const config = join(folder.path, "config");
    mkdirSync(join(config, "geppetto-js"), { recursive: true });
    const secrets = { key: { from: "env:OWN_TOKEN", hosts: [server.host] } };
    writeFileSync(join(config, "geppetto-js", "config.yaml"), JSON.stringify({ secrets }));
    const cli = (args: string[], token?: string): Promise<CliResult> =>
      runCli(args, {
        env: { GEPPETTO_LOG: log, XDG_CONFIG_HOME: config, ...(token === undefined ? {} : { OWN_TOKEN: token }) },
      });
    const ask = `const ask = async () => {
      const r = await fetch("${url}", { headers: { authorization: "Bearer " + secrets.key } });
      return [r.headers.get("x-count"), await r.text()];
    };`;
    const script = folder.file("ask.js", `${ask} console.log(await ask(), await ask());`);
    const first = await cli(["run", "-q", `--allow-net=${server.host}`, script], TOKEN);
    await server[Symbol.asyncDispose]();
    expect(first.stdout).toBe("[ '1', '1 for Bearer [redacted]' ] [ '2', '2 for Bearer [redacted]' ]\n");
    expect(readFileSync(log, "latin1")).not.toContain(TOKEN);
    const again = await cli(["runs", "replay", "last"]);
    expect([again.code, again.stdout]).toEqual([0, first.stdout]);
    const other = folder.file("other.js", `${ask} console.log("other", (await ask())[1]);`);
    const changed = await cli(["runs", "replay", "last", "-q", "--script", other]);
    expect([changed.code, changed.stdout]).toEqual([0, "other 1 for Bearer [redacted]\n"]);
    const more = folder.file("more.js", `await fetch("${url}/more");`);
    expect((await cli(["runs", "replay", "last", "-q", "--script", more])).code).toBe(79);
  });
});
