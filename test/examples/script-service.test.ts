import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const TENANTS = {
  "key-a": { name: "anna", tools: ["whoami"] },
  "key-b": { name: "ben", maxCalls: 2 },
};

let service: ChildProcess;
let url: string;

beforeAll(async () => {
  const env = { ...process.env, PORT: "0", DRAIN_MS: "3000", TENANTS: JSON.stringify(TENANTS) };
  service = spawn(process.execPath, ["examples/script-service/main.ts"], { env, stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(createInterface({ input: service.stdout! }), "line")) as [string];
  url = `http://127.0.0.1:${/port (\d+)/.exec(line)?.[1]}`;
});
afterAll(() => {
  service.kill("SIGKILL");
});

type Sent = { event: string; data: Record<string, unknown> };

function post(key: string, code: string, signal?: AbortSignal): Promise<Response> {
  const headers = { authorization: `Bearer ${key}` };
  return fetch(`${url}/scripts`, { method: "POST", headers, body: code, ...(signal ? { signal } : {}) });
}

function parse(text: string): Sent[] {
  return [...text.matchAll(/event: (.*)\ndata: (.*)\n\n/g)].map(([, event, data]) => ({
    event: event!,
    data: JSON.parse(data!) as Record<string, unknown>,
  }));
}

async function run(key: string, code: string): Promise<Sent[]> {
  return parse(await (await post(key, code)).text());
}

async function endOf(key: string, code: string): Promise<unknown> {
  return (await run(key, code)).at(-1)?.data;
}

async function get(path: string, key = ""): Promise<string> {
  return (await fetch(url + path, { headers: { authorization: `Bearer ${key}` } })).text();
}

describe("the service of examples/script-service", () => {
  it("streams the events, the output and the end of a script", async () => {
    const sent = await run("key-a", "console.log(await chat('echo: hi there')); export default 7");
    expect(sent.map(({ event }) => event)).toEqual(["start", "partial", "partial", "final", "stdout", "end"]);
    expect(sent.at(-2)?.data).toEqual({ text: "hi there\n" });
    expect(sent.at(-1)?.data).toMatchObject({ ok: true, end: "completed", value: 7 });
  });

  it("keeps tenants apart: keys, notes, tools and their approval", async () => {
    expect((await post("key-x", "1")).status).toBe(401);
    const note = (own: string): string => `await notes.add("${own}"); export default await notes.all()`;
    await Promise.all([endOf("key-a", note("tea")), endOf("key-b", note("tomatoes"))]);
    expect(await endOf("key-a", "export default await notes.all()")).toMatchObject({ value: ["tea"] });
    expect(await endOf("key-b", "export default await notes.all()")).toMatchObject({ value: ["tomatoes"] });
    const ask = "export default await chat('call: whoami {}', { tools: ['whoami'] })";
    expect(await endOf("key-a", ask)).toMatchObject({ value: expect.stringContaining("you are anna") as string });
    expect(await endOf("key-b", ask)).toMatchObject({ value: expect.stringContaining("not approved") as string });
  });

  it("keeps to the budget of a tenant, and counts", async () => {
    const end = await endOf("key-b", "export default await chat('echo: once more')");
    expect(end).toMatchObject({ ok: false, end: "uncaught", code: "ERR_LIMIT_CALLS" });
    expect(JSON.parse(await get("/budget", "key-b"))).toMatchObject({ calls: 2 });
    const metrics = await get("/metrics");
    expect(metrics).toMatch(/scripts_total\{end="completed"\} \d/);
    expect(metrics).toContain('scripts_total{end="uncaught"} 1\nscripts_running 0\n');
    expect(metrics).toContain("tool_calls_total 2\n");
  });

  it("ends a script when its client leaves", async () => {
    const client = new AbortController();
    const response = await post("key-a", "console.log('begun'); setInterval(() => {}, 1000)", client.signal);
    await response.body!.getReader().read();
    client.abort();
    await expect.poll(() => get("/metrics")).toContain('scripts_total{end="aborted"} 1\n');
  });

  it("stops gracefully: scripts end, those that do not are aborted, the exit code is 0", async () => {
    const begun = async (code: string): Promise<() => Promise<unknown>> => {
      const reader = (await post("key-a", `console.log("begun"); ${code}`)).body!.getReader();
      let text = Buffer.from((await reader.read()).value ?? "").toString();
      return async () => {
        for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read())
          text += Buffer.from(chunk.value).toString();
        return parse(text).at(-1)?.data;
      };
    };
    const slow = await begun("await new Promise((r) => setTimeout(r, 300)); export default 'ended'");
    const endless = await begun("setInterval(() => {}, 1000)");
    service.kill("SIGTERM");
    await expect.poll(async () => (await fetch(`${url}/health`)).status).toBe(503);
    expect((await post("key-a", "1")).status).toBe(503);
    expect(await slow()).toMatchObject({ ok: true, value: "ended" });
    expect(await endless()).toMatchObject({ ok: false, end: "aborted" });
    const [code] = service.exitCode === null ? ((await once(service, "exit")) as [number]) : [service.exitCode];
    expect(code).toBe(0);
  });
});
