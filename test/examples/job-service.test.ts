import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasNatsServer } from "../events/nats-server.ts";
import { WorkerFixture } from "../workers/worker-fixture.ts";

let at: WorkerFixture;
let service: ChildProcess;
let url = "";

interface Sent {
  id: number;
  event: string;
  data: Record<string, unknown>;
}

function ask(
  path: string,
  key: string,
  { headers = {}, ...init }: Omit<RequestInit, "headers"> & { headers?: Record<string, string> } = {},
): Promise<Response> {
  return fetch(url + path, { ...init, headers: { authorization: `Bearer ${key}`, ...headers } });
}

async function submit(code: string, key = "key-a"): Promise<string> {
  const response = await ask("/jobs", key, { method: "POST", body: code });
  expect(response.status).toBe(202);
  return ((await response.json()) as { id: string }).id;
}

function parse(text: string): Sent[] {
  return [...text.matchAll(/id: (\d+)\nevent: (.*)\ndata: (.*)\n\n/g)].map(([, id, event, data]) => ({
    id: Number(id),
    event: event!,
    data: JSON.parse(data!) as Record<string, unknown>,
  }));
}

async function events(id: string, last?: number): Promise<Sent[]> {
  const headers: Record<string, string> = last === undefined ? {} : { "last-event-id": String(last) };
  return parse(await (await ask(`/jobs/${id}/events`, "key-a", { headers })).text());
}

describe.skipIf(!hasNatsServer)("the service of examples/job-service", () => {
  beforeAll(async () => {
    at = await WorkerFixture.start();
    await at.worker();
    const env = { ...process.env, PORT: "0", NATS: at.server.address, TENANTS: '{"key-a":"anna","key-b":"ben"}' };
    service = spawn(process.execPath, ["examples/job-service/main.ts"], { env, stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(createInterface({ input: service.stdout! }), "line")) as [string];
    url = `http://127.0.0.1:${/port (\d+)/.exec(line)?.[1]}`;
  });
  afterAll(async () => {
    service.kill("SIGKILL");
    await at[Symbol.asyncDispose]();
  });

  it("streams what a job does, and goes on after the last event that a client has had", async () => {
    const id = await submit("console.log(await chat('echo: hi there')); export default 7");
    const sent = await events(id);
    expect(sent.at(-1)).toMatchObject({ event: "end", data: { outcome: { ok: true, value: 7 } } });
    expect(sent.map(({ event }) => event)).toContain("output");
    const ids = sent.map((one) => one.id);
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
    for (const place of [0, 2, sent.length - 2]) expect(await events(id, ids[place])).toEqual(sent.slice(place + 1));
  });

  it("shows no tenant the jobs of another one", async () => {
    const id = await submit("export default 1");
    expect((await ask(`/jobs/${id}/events`, "key-b")).status).toBe(404);
    expect((await ask(`/jobs/${id}`, "key-b", { method: "DELETE" })).status).toBe(404);
    expect((await ask(`/jobs/${id}/events`, "key-x")).status).toBe(401);
  });

  it("ends a job", async () => {
    const id = await submit("setInterval(() => {}, 600_000)");
    expect((await ask(`/jobs/${id}`, "key-a", { method: "DELETE" })).status).toBe(202);
    expect((await events(id)).at(-1)).toMatchObject({
      event: "end",
      data: { outcome: { ok: false, isCancelled: true } },
    });
  });

  it("refuses a script that is too long, and a place that is none", async () => {
    expect((await ask("/jobs", "key-a", { method: "POST", body: "x".repeat(100_001) })).status).toBe(413);
    const id = await submit("export default 1");
    const headers = { "last-event-id": "x" };
    expect((await ask(`/jobs/${id}/events`, "key-a", { headers })).status).toBe(400);
  });
});
