import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli, ScriptFolder, startCli, type CliProcess } from "../cli/run-cli.ts";
import { hasBrowser, TestBrowser } from "./browser.ts";

interface Asked {
  path?: string;
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

interface Answered {
  status: number;
  headers: Record<string, unknown>;
  body: string;
}

const folder = new ScriptFolder();
let server: CliProcess;
let address: URL;
let runId: string;

/** Starts a server, which says its address on stdout. */
async function serve(...args: string[]): Promise<{ server: CliProcess; address: URL }> {
  const started = startCli(["runs", "serve", ...args]);
  let printed = "";
  started.child.stdout.on("data", (part: string) => (printed += part));
  await started.seen("Ctrl-C ends the server");
  return { server: started, address: new URL(printed.trim()) };
}

/** Asks the server, with headers that no browser would send from its page. */
function ask({ path = address.pathname, method = "GET", headers = {}, body }: Asked = {}): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: "127.0.0.1", port: address.port, path, method, headers: { host: address.host, ...headers } },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part: string) => (text += part));
        response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, body: text }));
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

const SCRIPT = 'const answer: string = await chat("echo: four cups");\nconsole.log("said", answer);\n';

beforeAll(async () => {
  const script = folder.file("tea.ts", SCRIPT);
  folder.file("shout.ts", "export const shout = (text: string): string => text.toUpperCase();\n");
  const { stdout } = await runCli(["run", "--json", script]);
  runId = (JSON.parse(stdout) as { runId: string }).runId;
  ({ server, address } = await serve(runId));
});

afterAll(async () => {
  server.child.kill("SIGINT");
  expect(await server.result).toMatchObject({ code: 0 });
  folder.remove();
});

const again = (): Asked => ({
  path: `${address.pathname}/again`,
  method: "POST",
  headers: { origin: address.origin, "content-type": "application/json" },
  body: JSON.stringify({ source: 'console.log("changed")' }),
});

describe("runs serve", () => {
  it("gives the page of a run, and a list of runs, to whoever has its address", async () => {
    const page = await ask();
    expect(page.status).toBe(200);
    expect(page.body).toContain("connect-src 'self'");
    expect(page.body).toContain(`"runAgain":"${runId}/again"`);
    expect(page.headers).toMatchObject({
      "cache-control": "no-store",
      "content-security-policy": "frame-ancestors 'none'",
      "cross-origin-resource-policy": "same-origin",
      "x-frame-options": "DENY",
    });
    const [, token] = address.pathname.split("/");
    const list = await ask({ path: `/${token}/` });
    expect(list.body).toContain(`<a href="runs/${runId}">tea.ts</a>`);
    expect(list.headers["content-security-policy"]).toContain("default-src 'none'");
    for (const path of [
      `/${token}/runs/nothing`,
      `/${token}/else`,
      `/${token}/runs/..%2f..`,
      `${address.pathname}/again`,
    ]) {
      expect((await ask({ path })).status).toBe(404);
    }
  });

  it("tells nobody anything who does not have the token, asks by another name or comes from another page", async () => {
    const [, token = ""] = address.pathname.split("/");
    const { port } = address;
    const refused: [number, Asked][] = [
      [404, { path: "/" }],
      [404, { path: `/${token.slice(0, -1)}/` }],
      [404, { path: `/${token}x/runs/${runId}` }],
      [404, { path: `//${token}/` }],
      [403, { headers: { host: `evil.example:${port}` } }],
      [403, { headers: { host: "127.0.0.1" } }],
      [403, { headers: { origin: "http://evil.example" } }],
      [403, { headers: { origin: "null" } }],
      [405, { method: "PUT" }],
      [405, { method: "OPTIONS" }],
      [403, { ...again(), headers: { ...again().headers, origin: "http://evil.example" } }],
      [403, { ...again(), headers: { ...again().headers, origin: `http://localhost:${port}` } }],
      [403, { ...again(), headers: { "content-type": "application/json" } }],
      [403, { ...again(), headers: { ...again().headers, "sec-fetch-site": "same-site" } }],
      [415, { ...again(), headers: { ...again().headers, "content-type": "text/plain" } }],
      [404, { ...again(), path: `/${token}/` }],
      [400, { ...again(), body: "{" }],
      [400, { ...again(), body: JSON.stringify({ source: 7 }) }],
    ];
    for (const [status, asked] of refused) {
      const answer = await ask(asked);
      expect([answer.status, asked]).toEqual([status, asked]);
      expect(answer.body).not.toContain("tea.ts");
      expect(Object.keys(answer.headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
    }
  });

  it("listens on the loopback interface alone", async () => {
    const { code, stderr } = await runCli(["runs", "serve", "--port", address.port]);
    expect([code, stderr]).toEqual([78, expect.stringContaining("another program listens there")]);
    expect(address.hostname).toBe("127.0.0.1");
  });

  it("runs a changed script on the answers of then, and keeps it in the log", async () => {
    const source = `import { shout } from "./shout.ts";\n${SCRIPT}console.log(shout(answer));\n`;
    const { status, body } = await ask({ ...again(), body: JSON.stringify({ source }) });
    const outcome = JSON.parse(body) as { exitCode: number; runId: string; stdout: string };
    expect([status, outcome.exitCode, outcome.stdout]).toEqual([200, 0, "said four cups\nFOUR CUPS\n"]);
    const { stdout } = await runCli(["runs", "show", "--json", outcome.runId]);
    expect(JSON.parse(stdout)).toMatchObject({ script: "tea.ts", details: { replayOf: runId } });
  });

  it("asks nobody what the run was not answered, which is exit code 79", async () => {
    const { body } = await ask({ ...again(), body: JSON.stringify({ source: 'await chat("something else")' }) });
    expect(JSON.parse(body)).toMatchObject({
      exitCode: 79,
      stderr: expect.stringContaining("was not recorded") as string,
    });
  });

  it("ends a run that nobody waits for any more, and then runs the next", async () => {
    const endless = { ...again(), body: JSON.stringify({ source: "setTimeout(() => {}, 600_000)" }) };
    const socket = request({
      host: "127.0.0.1",
      port: address.port,
      path: endless.path!,
      method: "POST",
      headers: { host: address.host, ...endless.headers },
    });
    socket.on("error", () => {});
    socket.end(endless.body);
    await expect.poll(async () => (await ask(again())).status).toBe(409);
    socket.destroy();
    await expect.poll(async () => JSON.parse((await ask(again())).body) as object).toMatchObject({ exitCode: 0 });
  });

  it("has nothing to run, and shows no contents, with --trace-contents off", async () => {
    const { server: bare, address: there } = await serve(runId, "--trace-contents", "off");
    const own = { host: there.host, origin: there.origin, "content-type": "application/json" };
    const before = address;
    address = there;
    const page = await ask();
    expect(page.body).not.toContain("four cups");
    expect(page.body).not.toContain('runAgain":');
    expect((await ask({ ...again(), headers: own })).status).toBe(404);
    address = before;
    bare.child.kill("SIGTERM");
    expect((await bare.result).code).toBe(0);
  });

  it.runIf(hasBrowser)("lets its reader edit the script and run it again, in the page", async () => {
    const browser = await TestBrowser.start();
    try {
      const page = await browser.visit(address.href);
      await page.getByRole("button", { name: "Edit and run again" }).click();
      const editor = page.getByRole("textbox", { name: "The script" });
      expect(await editor.inputValue()).toBe(SCRIPT);
      await editor.fill(SCRIPT.replace("said", "heard"));
      await page.getByRole("button", { name: "Run", exact: true }).click();
      await expect.poll(() => page.locator("#outcome").innerText()).toContain("heard four cups");
      await page.getByRole("link", { name: "Look at this run" }).click();
      await expect.poll(() => page.url()).not.toBe(address.href);
      await expect.poll(() => page.locator("#steps").innerText()).toContain("heard four cups");
      expect(await browser.finish()).toEqual([]);
    } finally {
      await browser.close();
    }
  });
});
