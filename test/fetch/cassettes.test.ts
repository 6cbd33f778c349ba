import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Cassette, recordingFetch, redactorFor, replayingFetch, type FetchSource } from "../../src/index.ts";
import { parseRecording } from "../../src/recordings/cassette/recording.ts";
import { runScript } from "../../src/testing.ts";
import { REJECTION, runFetch, type FetchRun } from "./run-fetch.ts";
import { TestServer } from "./test-server.ts";

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "geppetto-fetched-"));
  file = join(folder, "fetched.cassette.json");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const SECRET = "hunter2-hunter2-hunter2";
const KEY = "sk-test-0123456789abcdefghij";
const redact = redactorFor([SECRET]);

/** What the servers of these tests answer; each answer says how often it was asked. */
function routes(): Record<string, RequestListener> {
  let count = 0;
  return {
    "/count": (_, response) => response.setHeader("set-cookie", `id=${SECRET}`).end(`answer ${++count}`),
    "/json": (_, response) => response.setHeader("content-type", "application/json").end('{"name":"Ü","n":[1,2]}'),
    "/bytes": (_, response) => response.end(Buffer.from([0, 255, 254, 1, 128])),
    "/pieces": (_, response) => {
      response.write("one ");
      setTimeout(() => response.end("two"), 20);
    },
    "/echo": (request, response) => response.end(`got ${String(request.headers["authorization"])}`),
    "/key": (_, response) => {
      response.write(`the key is ${KEY.slice(0, 9)}`);
      setTimeout(() => response.end(`${KEY.slice(9)} here`), 20);
    },
    "/moved": (_, response) => response.writeHead(302, { location: "/json" }).end(),
    "/broken": (_, response) => void response.destroy(),
    "/endless": (_, response) => void response.write("begun"),
  };
}

async function recorded(code: string, options: FetchRun): Promise<unknown> {
  await using cassette = await Cassette.open(file, { redact });
  return await outcomeOf(code, { ...options, wrapFetch: (network) => recordingFetch(network, cassette) });
}

async function replayed(code: string, options: FetchRun): Promise<unknown> {
  const cassette = await Cassette.open(file, { readOnly: true, redact });
  return outcomeOf(code, { ...options, wrapFetch: (network) => replayingFetch(network, cassette) });
}

async function outcomeOf(code: string, options: FetchRun): Promise<unknown> {
  const { ok, value, error } = await runFetch(code, options);
  return ok ? value : [error?.name, error?.code, error?.message];
}

describe("A cassette of what scripts fetch", () => {
  it("gives the same answers again, with nobody there to ask", async () => {
    const server = await TestServer.start(routes());
    const code = `
      const at = ${JSON.stringify(server.url)};
      const facts = (r) => [r.status, r.ok, r.redirected, r.url.replace(at, ""), r.headers.get("content-type")];
      const seen = [];
      for (let i = 0; i < 2; i++) seen.push(await (await fetch(at + "/count")).text());
      const json = await fetch(at + "/json");
      seen.push(facts(json), await json.json());
      seen.push([...new Uint8Array(await (await fetch(at + "/bytes")).arrayBuffer())]);
      const pieces = [];
      for await (const piece of (await fetch(at + "/pieces")).body) pieces.push(new TextDecoder().decode(piece));
      seen.push(pieces);
      const moved = await fetch(at + "/moved");
      seen.push(facts(moved), await moved.json(), facts(await fetch(at + "/none")));
      seen.push(facts(await fetch(at + "/count", { method: "HEAD" })));
      seen.push(await (await fetch(at + "/echo", { method: "POST", body: "x=1" })).text());
      seen.push(await fetch(at + "/broken").catch((e) => [e.name, e.code]));
      export default seen;`;
    const options = { net: [server.host] };
    const first = await recorded(code, options);
    await server[Symbol.asyncDispose]();
    expect(first).toMatchObject({ 0: "answer 1", 1: "answer 2", 5: ["one ", "two"] });
    expect(await replayed(code, options)).toEqual(first);
  });

  it("has no answer to another request: the error names the nearest and what differs", async () => {
    await using server = await TestServer.start(routes());
    const options = { net: [server.host] };
    const ask = (path: string, init = ""): string =>
      `${REJECTION} export default await rejection(fetch("${server.url}${path}"${init}));`;
    expect(await recorded(ask("/count", ', { method: "POST", body: "a" }'), options)).toBe("resolved");
    const asked = server.asked.length;
    expect(await replayed(ask("/count", ', { method: "POST", body: "b" }'), options)).toEqual([
      "ReplayError",
      "ERR_REPLAY_MISS",
      `Cannot replay an answer: the request POST ${server.url}/count was not recorded; the nearest of 1 in fetched.cassette.json is recording 1, where body differs: recorded "a", asked "b"`,
    ]);
    expect(server.asked).toHaveLength(asked);
  });

  it("allows no script what it may not ask", async () => {
    await using server = await TestServer.start(routes());
    const code = `${REJECTION} export default await rejection(fetch("${server.url}/count"));`;
    expect(await recorded(code, { net: [server.host] })).toBe("resolved");
    expect(await replayed(code, { net: [] })).toMatchObject({ 0: "PermissionError", 1: "ERR_PERMISSION" });
    expect(await recorded(code, { net: [] })).toMatchObject({ 0: "PermissionError", 1: "ERR_PERMISSION" });
    expect((await Cassette.open(file, { readOnly: true })).recordings).toHaveLength(1);
  });

  it("holds no secret, no key, no cookie and no header of a request", async () => {
    await using server = await TestServer.start(routes());
    const secrets = { api: { value: SECRET, hosts: [server.host] } };
    const options = { net: [server.host], secrets };
    const code = `
      const at = ${JSON.stringify(server.url)};
      const headers = { authorization: "Bearer " + secrets.api, "x-api-key": ${JSON.stringify(KEY)} };
      const texts = [];
      for (const path of ["/echo", "/key", "/count", "/count?token=" + ${JSON.stringify(KEY)}])
        texts.push(await (await fetch(at + path, { headers })).text());
      texts.push(await (await fetch(at + "/echo", { method: "POST", headers, body: JSON.stringify({ key: ${JSON.stringify(KEY)} }) })).text());
      export default texts;`;
    await recorded(code, options);
    expect(server.asked[0]!.headers["authorization"]).toBe(`Bearer ${SECRET}`);
    const kept = readFileSync(file, "utf8");
    for (const secret of [SECRET, KEY, "x-api-key", "set-cookie", KEY.slice(0, 9), KEY.slice(9)]) {
      expect(kept).not.toContain(secret);
      expect(kept).not.toContain(Buffer.from(secret).toString("base64").replace(/=+$/, ""));
    }
    expect(await replayed(code, options)).toMatchObject({ 1: "the key is [redacted] here" });
  });

  it("ends where the script read no further, which it does again", async () => {
    const server = await TestServer.start(routes());
    const code = `
      const response = await fetch("${server.url}/endless");
      const reader = response.body.getReader();
      const { value } = await reader.read();
      await reader.cancel();
      await fetch("${server.url}/endless");
      export default new TextDecoder().decode(value);`;
    const options = { net: [server.host] };
    expect(await recorded(code, options)).toBe("begun");
    await server[Symbol.asyncDispose]();
    expect(await replayed(code, options)).toBe("begun");
  });

  it.each([
    ["a body that is no list", { body: "x" }],
    ["pieces that are no texts", { body: [1] }],
    ["an unknown encoding", { body: [], encoding: "utf16" }],
    ["an answer that is none", { body: [], answer: 7 }],
    ["a status that is none", { body: [], answer: head({ status: 99 }) }],
    ["headers that are none", { body: [], answer: head({ headers: [["a"]] }) }],
    ["no answer where it is complete", { body: [] }],
  ])("with %s is refused", (_, parts) => {
    const rest = { id: "a", recordedAt: "2026-01-01T00:00:00Z", request: { provider: "fetch", model: "x" } };
    expect(() => parseRecording({ ...rest, end: "complete", ...parts })).toThrow(/^its? /);
  });
});

function head(fields: object): object {
  return { url: "http://x/", status: 200, statusText: "", headers: [], isRedirected: false, hasBody: true, ...fields };
}

describe("runScript() of geppetto-js/testing with a cassette", () => {
  it("asks servers once, and nobody from then on; in CI a request that was not recorded fails", async () => {
    const server = await TestServer.start(routes());
    const { CI } = process.env;
    delete process.env["CI"];
    try {
      const code = `
        const [a, b] = await Promise.all(["/count", "/json"].map((path) => fetch("${server.url}" + path).then((r) => r.text())));
        await new Promise((go) => setTimeout(go, 60_000));
        console.log(a, b, Date.now());`;
      const options = { cassette: file, permissions: { net: [server.host] } };
      const first = await runScript(code, options);
      expect(first).toMatchObject({ exitCode: 0, stdout: 'answer 1 {"name":"Ü","n":[1,2]} 1767225660000\n' });
      await server[Symbol.asyncDispose]();
      for (const isolation of ["thread", "process"] as const)
        expect((await runScript(code, { ...options, isolation })).stdout).toBe(first.stdout);
      process.env["CI"] = "true";
      const other = await runScript(code.replace("/json", "/other"), options);
      expect(other.error).toMatchObject({ name: "ReplayError", code: "ERR_REPLAY_MISS" });
    } finally {
      if (CI !== undefined) process.env["CI"] = CI;
    }
  });

  it("refuses a cassette whose recording of an answer is damaged", async () => {
    const recording = { id: "a", recordedAt: "2026-01-01T00:00:00Z", request: { provider: "fetch", model: "x" } };
    const lines = [{ format: "geppetto-cassette/2" }, { ...recording, end: "complete", body: 1 }];
    writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    await expect(runScript("1", { cassette: file })).rejects.toMatchObject({
      code: "ERR_CASSETTE",
      message: expect.stringContaining("its body must be a list of texts") as string,
    });
  });
});

describe("wrapFetch", () => {
  it("may answer itself, and judges as the network does", async () => {
    const wrapFetch = (network: FetchSource): FetchSource => ({
      check: (request) => network.check(request),
      send: async ({ url }) => {
        const pieces = [new TextEncoder().encode(`made up for ${url.pathname}`)];
        const head = { url: url.href, status: 200, statusText: "", headers: [], isRedirected: false, hasBody: true };
        return { head, next: async () => pieces.shift(), end() {} };
      },
    });
    const code = `export default await (await fetch("http://nowhere.example/x")).text();`;
    expect(await outcomeOf(code, { net: ["nowhere.example"], wrapFetch })).toBe("made up for /x");
    expect(await outcomeOf(code, { net: [], wrapFetch })).toMatchObject({ 0: "PermissionError", 1: "ERR_PERMISSION" });
  });
});
