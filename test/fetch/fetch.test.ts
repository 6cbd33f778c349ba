import type { ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { heldMB, MAX_ADDED_MB } from "../machine/parent-load.ts";
import { patience } from "../machine/patience.ts";
import { REJECTION, runFetch, valueOf } from "./run-fetch.ts";
import { TestServer } from "./test-server.ts";

let server: TestServer;
let net: string[];
let written = 0;
/** All of an answer has been taken that says much about each of its bytes. */
const wordy = Promise.withResolvers<void>();
/** The answer whose rest is not sent before it is asked for. */
let waiting: ServerResponse;

beforeAll(async () => {
  server = await TestServer.start({
    "/json": (_, response) => response.setHeader("content-type", "application/json").end('{"a":[1,"ü"]}'),
    "/parts": (_, response) => {
      response.write("one ");
      waiting = response;
    },
    "/rest": (_, response) => {
      waiting.end("two");
      response.end();
    },
    "/cookies": (_, response) => response.setHeader("set-cookie", ["a=1", "b=2"]).setHeader("x-a", "1").end(),
    "/teapot": (_, response) => response.writeHead(418, "I'm a teapot").end("short and stout"),
    "/none": (_, response) => response.writeHead(204).end(),
    "/echo": (_, response) => {
      const { method, url, headers, body } = server.asked.at(-1)!;
      response.end(JSON.stringify({ method, url, headers, body }));
    },
    "/packed": (_, response) => response.setHeader("content-encoding", "gzip").end(gzipSync("unpacked")),
    "/bomb": (_, response) => response.setHeader("content-encoding", "gzip").end(gzipSync(Buffer.alloc(30_000_000))),
    "/torn": (_, response) => {
      response.setHeader("content-length", "100").write("half", () => response.destroy());
    },
    "/endless": (_, response) => {
      const more = (error?: Error | null): void => {
        written += 65_536;
        if (!error) response.write(Buffer.alloc(65_536), more);
      };
      more();
    },
    "/wordy": (_, response) => {
      response.writeHead(200);
      response.flushHeaders();
      const socket = response.socket!;
      const block = `1;${"e".repeat(60_000)}\r\na\r\n`;
      const more = (left: number): void => {
        if (left === 0) wordy.resolve();
        else socket.write(block, () => more(left - 1));
      };
      more(3_000);
    },
    "/held": (_, response) => void wordy.promise.then(() => response.end(String(heldMB()))),
    "/silent": () => {},
    "/to-json": (_, response) => response.writeHead(302, { location: "/json" }).end(),
    "/loop": (_, response) => response.writeHead(302, { location: "/loop" }).end(),
    "/see-other": (_, response) => response.writeHead(303, { location: "/echo" }).end(),
    "/moved": (_, response) => response.writeHead(301, { location: "/echo" }).end(),
    "/again": (_, response) => response.writeHead(307, { location: "/echo" }).end(),
  });
  net = [server.host];
});
afterAll(() => server[Symbol.asyncDispose]());

describe.each(["process", "thread"] as const)("fetch in a %s", (isolation) => {
  const run = (code: string): Promise<unknown> =>
    valueOf(`const base = "${server.url}"; ${REJECTION} ${code}`, { net, isolation });

  it("gives status, headers and JSON", async () => {
    const code = `const r = await fetch(base + "/json");
      export default [r.status, r.ok, r.statusText, r.url === base + "/json", r.redirected, r.headers.get("Content-Type"), await r.json()]`;
    expect(await run(code)).toEqual([200, true, "OK", true, false, "application/json", { a: [1, "ü"] }]);
  });

  it("streams the body as it comes", async () => {
    const code = `const parts = [];
      for await (const chunk of (await fetch(base + "/parts")).body) {
        parts.push(new TextDecoder().decode(chunk));
        if (parts.length === 1) await fetch(base + "/rest");
      }
      export default parts.join("|")`;
    expect(await run(code)).toBe("one |two");
  });

  it("sends texts, bytes, queries and streams", async () => {
    const code = `const echo = async (body, headers) =>
        (await fetch(base + "/echo", { method: "POST", body, headers })).json().then((e) => [e.body, e.headers["content-type"] ?? "none"]);
      export default [
        await echo("tëxt"),
        await echo(new Uint8Array([104, 105])),
        await echo(new URLSearchParams({ a: "1 2" })),
        await echo(new Response("from a stream").body),
        await echo("{}", { "Content-Type": "application/json" }),
      ]`;
    expect(await run(code)).toEqual([
      ["tëxt", "text/plain;charset=UTF-8"],
      ["hi", "none"],
      ["a=1+2", "application/x-www-form-urlencoded;charset=UTF-8"],
      ["from a stream", "none"],
      ["{}", "application/json"],
    ]);
  });

  it("stops when its signal says so: before, while it waits, and while it reads", async () => {
    const code = `const early = await rejection(fetch(base + "/json", { signal: AbortSignal.abort() }));
      const waiting = new AbortController();
      const silent = rejection(fetch(base + "/silent", { signal: waiting.signal }));
      setTimeout(() => waiting.abort(new Error("enough")), 20);
      const reading = new AbortController();
      const answer = await fetch(base + "/endless", { signal: reading.signal });
      const reader = answer.body.getReader();
      await reader.read();
      reading.abort();
      export default [early[0], (await silent)[2], (await rejection((async () => { for (;;) await reader.read(); })()))[0]]`;
    expect(await run(code)).toEqual(["AbortError", "enough", "AbortError"]);
    await expect.poll(() => server.open, { timeout: patience(10_000) }).toBeLessThanOrEqual(1);
  });
});

const run = (code: string, limits = {}): Promise<unknown> =>
  valueOf(`const base = "${server.url}"; ${REJECTION} ${code}`, { net, limits });

describe("fetch", () => {
  it("gives every status as an answer, and no body where there is none", async () => {
    const code = `const r = await fetch(base + "/teapot"); const none = await fetch(base + "/none"); const head = await fetch(base + "/json", { method: "HEAD" });
      export default [r.status, r.ok, r.statusText, await r.text(), none.status, none.body, await none.text(), await head.text(), (await fetch(base + "/x")).status]`;
    expect(await run(code)).toEqual([418, false, "I'm a teapot", "short and stout", 204, null, "", "", 404]);
  });

  it("keeps cookies apart, in headers that cannot be changed", async () => {
    const code = `const { headers } = await fetch(base + "/cookies");
      let thrown; try { headers.set("x-a", "2"); } catch (e) { thrown = e.name; }
      export default [headers.getSetCookie(), headers.get("x-a"), [...headers].filter(([n]) => n === "set-cookie").length, thrown]`;
    expect(await run(code)).toEqual([["a=1", "b=2"], "1", 2, "TypeError"]);
  });

  it("unpacks what is packed, and says that a body has been read", async () => {
    const code = `const r = await fetch(base + "/packed"); const twin = r.clone();
      export default [await r.text(), r.bodyUsed, (await rejection(r.text()))[0], await twin.text()]`;
    expect(await run(code)).toEqual(["unpacked", true, "TypeError", "unpacked"]);
  });

  it("follows redirects, hands them out, or refuses them, as it is asked", async () => {
    const code = `const followed = await fetch(base + "/to-json");
      const manual = await fetch(base + "/to-json", { redirect: "manual" });
      export default [followed.redirected, followed.url === base + "/json", manual.status, manual.headers.get("location"),
        await rejection(fetch(base + "/to-json", { redirect: "error" })), await rejection(fetch(base + "/loop"))]`;
    expect(await run(code)).toEqual([
      true,
      true,
      302,
      "/json",
      ["TypeError", "ERR_FETCH", 'fetch failed: the server redirects, and redirect is "error"'],
      ["TypeError", "ERR_FETCH", "fetch failed: the server redirects more than 20 times"],
    ]);
  });

  it("changes the method on a redirect as browsers do", async () => {
    const code = `const post = async (path, method = "POST") => {
        const { method: sent, body, headers } = await (await fetch(base + path, { method, body: "b" })).json();
        return [sent, body, headers["content-type"] ?? "none"];
      };
      export default [await post("/see-other"), await post("/moved"), await post("/again"), await post("/moved", "PUT")]`;
    expect(await run(code)).toEqual([
      ["GET", "", "none"],
      ["GET", "", "none"],
      ["POST", "b", "text/plain;charset=UTF-8"],
      ["PUT", "b", "text/plain;charset=UTF-8"],
    ]);
  });

  it("says why it cannot ask", async () => {
    const code = `const tries = [["http://127.0.0.1:1/"], ["nope"], ["http://u:p@127.0.0.1/"], [base, { method: "TRACE" }], [base, { method: "a b" }],
        [base, { body: "x" }], [base, { headers: { host: "x" } }], [base, { headers: { "content-length": "1" } }], [base, { headers: { "proxy-authorization": "1" } }],
        [base, { headers: { a: "1\\r\\nb: 2" } }], [base, { headers: { "a b": "1" } }], [base, { headers: { a: "✓" } }], [base, { method: "POST", body: { a: 1 } }],
        [base, { redirect: "maybe" }], [base, { signal: {} }], [base, 7]];
      const all = []; for (const args of tries) all.push((await rejection(fetch(...args)))[2]);
      export default all`;
    const texts = (await run(code)) as string[];
    expect(texts.map((text) => text.slice(0, 60))).toMatchInlineSnapshot(`
      [
        "net access denied: 127.0.0.1:1: it is not a public host; all",
        "Failed to parse URL from nope: give a whole URL, such as htt",
        "Request cannot be constructed from a URL that includes crede",
        "'TRACE' HTTP method is unsupported.",
        "'a b' is not a valid HTTP method.",
        "Request with GET/HEAD method cannot have body.",
        "Cannot send the request: the connection sets the header host",
        "Cannot send the request: the connection sets the header cont",
        "Cannot send the request: the connection sets the header prox",
        "Invalid value of the header a: it holds a line break, NUL, o",
        "Invalid header name: a b",
        "Invalid value of the header a: it holds a line break, NUL, o",
        "Cannot send an object as the body: give a text, such as JSON",
        "Cannot use redirect "maybe": it has to be follow, error or m",
        "Cannot use signal: it must be an AbortSignal",
        "Cannot make a Request: the options must be an object",
      ]
    `);
  });

  it("tells of an answer that breaks off", async () => {
    const outcome = (await run(`export default await rejection((await fetch(base + "/torn")).text())`)) as string[];
    expect(outcome.slice(0, 2)).toEqual(["TypeError", "ERR_FETCH"]);
  });

  it("says of a failure whether another try may help", async () => {
    const code = `const failures = [];
      for (const url of ["http://127.0.0.1:6667/", "${server.url}/torn"])
        failures.push(await fetch(url).then((r) => r.text()).catch((e) => [e.code, e.isTransient]));
      export default failures`;
    expect(await valueOf(code, { net: ["127.0.0.1"] })).toEqual([
      ["ERR_FETCH", false],
      ["ERR_FETCH", true],
    ]);
  });

  it("sends the method patch as PATCH, without a warning on the host", async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on("warning", onWarning);
    try {
      const code = `export default (await (await fetch(base + "/echo", { method: "patch", body: "b" })).json()).method`;
      expect(await run(code)).toBe("PATCH");
      await new Promise(setImmediate);
      expect(warnings).toEqual([]);
    } finally {
      process.off("warning", onWarning);
    }
  });

  it("waits for the script to read", async () => {
    written = 0;
    const code = `const { body } = await fetch(base + "/endless"); const reader = body.getReader();
      for (let i = 0; i < 3; i++) { await reader.read(); await new Promise((r) => setTimeout(r, 100)); }
      await reader.cancel();
      export default 1`;
    expect(await run(code)).toBe(1);
    // What fills the buffers of both sides and of the kernel.
    expect(written).toBeLessThan(40_000_000);
  });

  it("bounds answers, requests at once, and their time; a script can catch each", async () => {
    const big = `export default await rejection((await fetch(base + "/bomb")).text())`;
    expect(await run(big, { responseBytes: 1_000_000 })).toEqual([
      "LimitError",
      "ERR_LIMIT_RESPONSE",
      "The script exceeded the limit of one answer of 1000000 bytes; raise it with limits.responseBytes",
    ]);
    const many = `const open = [await fetch(base + "/endless"), await fetch(base + "/endless")];
      const third = await rejection(fetch(base + "/json"));
      await open[0].body.cancel();
      export default [third[1], (await fetch(base + "/json")).status]`;
    expect(await run(many, { fetches: 2 })).toEqual(["ERR_LIMIT_FETCHES", 200]);
    const slow = `export default [(await rejection(fetch(base + "/silent")))[1],
      (await rejection((async () => { for await (const _ of (await fetch(base + "/endless")).body); })()))[1]]`;
    expect(await run(slow, { fetchMs: 300, responseBytes: 1e12 })).toEqual([
      "ERR_LIMIT_FETCH_TIME",
      "ERR_LIMIT_FETCH_TIME",
    ]);
  });

  it("can ask again after answers that have broken off, were too large or took too long", async () => {
    const read = `const codes = [];
      const read = async (path) => { for await (const _ of (await fetch(base + path)).body); };
      const readAll = async (paths) => { for (const path of paths) codes.push((await rejection(read(path)))[1]); };`;
    const failing = `${read} await readAll(["/torn", "/bomb", "/torn"]);
      export default [...codes, (await fetch(base + "/json")).status]`;
    const failed = await run(failing, { fetches: 1, responseBytes: 1_000_000 });
    expect(failed).toEqual(["ERR_FETCH", "ERR_LIMIT_RESPONSE", "ERR_FETCH", 200]);
    const slow = `${read} await readAll(["/parts", "/parts", "/parts"]); export default codes`;
    const late = await run(slow, { fetches: 1, fetchMs: 300 });
    expect(late).toEqual(Array.from({ length: 3 }, () => "ERR_LIMIT_FETCH_TIME"));
  });

  it("holds no more of an answer that waits than its own bytes", async () => {
    const before = heldMB();
    const held = await run(`const wordy = await fetch(base + "/wordy");
      const held = await (await fetch(base + "/held")).text();
      await wordy.body.cancel();
      export default Number(held)`);
    expect((held as number) - before).toBeLessThan(MAX_ADDED_MB);
  });

  it("leaves no connection behind when a script ends in the middle", async () => {
    await runFetch(`const a = await fetch("${server.url}/endless"); fetch("${server.url}/silent"); done(1)`, { net });
    await expect.poll(() => server.open, { timeout: patience(10_000) }).toBe(0);
  });

  it("is there, and denied, where nothing is allowed", async () => {
    const outcome = await runFetch(`await fetch("https://example.com/x")`);
    expect(outcome.error).toMatchObject({
      name: "PermissionError",
      message: "net access denied: example.com: no rule allows it; allow it with --allow-net=example.com",
    });
  });
});
