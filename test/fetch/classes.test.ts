import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectSame } from "../guest/compare.ts";
import { createGuest, type Guest } from "../guest/guest-harness.ts";

let guest: Guest;
beforeAll(async () => {
  guest = await createGuest();
});
afterAll(() => guest.close());

describe("Headers, Request and Response do as Node's", () => {
  it.each([
    `return [...new Headers({ b: "2", A: " 1 " })]`,
    `return [...new Headers([["x", "1"], ["X", "2"], ["a", "3"]])]`,
    `const h = new Headers(); h.append("Set-Cookie", "a"); h.append("set-cookie", "b"); return [[...h], h.get("set-cookie"), h.getSetCookie()]`,
    `const h = new Headers({ a: "1" }); h.set("A", "2"); h.append("a", "3"); h.delete("b"); return [h.get("a"), h.has("A"), h.has("b"), h.get("b")]`,
    `const h = new Headers({ a: "1", b: "2" }); const out = []; h.forEach((v, k, o) => out.push(v, k, o === h)); return [out, [...h.keys()], [...h.values()]]`,
    `return [...new Headers(new Headers({ q: "1" }))]`,
    `return [...new Headers(new Map([["m", "1"]]))]`,
    `return new Headers({ "a b": "1" })`,
    `return new Headers({ a: "x\\ny" })`,
    `return new Headers({ a: "\\u0100" })`,
    `return new Headers([["a"]])`,
    `return new Headers(null)`,
    `return new Headers("a")`,
    `return new Headers().get()`,
    `return Headers()`,
    `const it = new Headers({ a: "1" })[Symbol.iterator](); return [Object.prototype.toString.call(it), it.next().value, it.next().done]`,
    `return Object.prototype.toString.call(new Headers())`,
    `const r = new Request("https://a.b/c?d#e", { method: "patch", headers: { x: "1" } }); return [r.url, r.method, [...r.headers], r.redirect, r.bodyUsed, r.body]`,
    `const r = new Request("http://a/", { method: "delete" }); return r.method`,
    `const r = new Request("http://a/", { method: "POST", body: "ü" }); return [[...r.headers], await r.text(), r.bodyUsed]`,
    `const r = new Request(new Request("http://a/", { method: "PUT", body: "1", headers: { q: "1" } }), { headers: { z: "2" } }); return [r.method, [...r.headers], await r.text()]`,
    `const a = new Request("http://a/", { method: "PUT", body: "1" }); const b = new Request(a); return [a.bodyUsed, await b.text()]`,
    `return new Request("/relative")`,
    `return new Request("http://u:p@a/")`,
    `return new Request("http://a/", { body: "x" })`,
    `return new Request("http://a/", { method: "CONNECT" })`,
    `return new Request("http://a/", { redirect: "x" })`,
    `return new Request("http://a/").clone().url`,
    `return new Request()`,
    `const c = new AbortController(); const r = new Request("http://a/", { signal: c.signal }); c.abort(); return r.signal.aborted`,
    `const r = new Response("x", { status: 201, statusText: "Made", headers: { a: "1" } }); return [r.status, r.ok, r.statusText, [...r.headers], await r.text(), r.type, r.url, r.redirected]`,
    `return [new Response().status, new Response().body, await new Response().text(), new Response(null, { status: 204 }).ok]`,
    `return new Response("x", { status: 204 })`,
    `return new Response("x", { status: 99 })`,
    `return new Response("x", { status: 600 })`,
    `const r = Response.json({ a: [1] }, { status: 202 }); return [r.status, r.headers.get("content-type"), await r.json()].map((x) => JSON.stringify(x))`,
    `return Response.json(undefined)`,
    `const r = Response.redirect("http://a/b", 307); return [r.status, r.headers.get("location")]`,
    `return Response.redirect("http://a/b", 200)`,
    `const r = Response.error(); return [r.type, r.status, r.ok]`,
    `return JSON.stringify([...new Uint8Array(await new Response(new Uint8Array([1, 2, 3]).subarray(1)).arrayBuffer())])`,
    `return JSON.stringify([...await new Response(new Uint8Array([1, 2, 3]).buffer).bytes()])`,
    `return [await new Response(new URLSearchParams({ a: "b c" })).text(), new Response(new URLSearchParams()).headers.get("content-type")]`,
    `return await new Response("\\ufeffx\\ud800").text()`,
    `return await new Response("{").json()`,
    `const r = new Response("x"); await r.text(); return await r.text()`,
    `const r = new Response("x"); await r.text(); return r.clone()`,
    `const r = new Response("x"); const c = r.clone(); return [await r.text(), await c.text()]`,
    `const r = new Response("abc"); const out = []; for await (const c of r.body) out.push(c.length); return [out, r.bodyUsed]`,
    `const r = new Response("abc"); r.body.getReader(); return [r.bodyUsed, await r.text()]`,
    `const s = new ReadableStream({ start(c) { c.enqueue(new TextEncoder().encode("hi")); c.close(); } }); return await new Response(s).text()`,
    `const s = new ReadableStream({ start(c) { c.enqueue("text"); c.close(); } }); return await new Response(s).text()`,
    `const s = new ReadableStream({ start(c) { c.error(new RangeError("x")); } }); return await new Response(s).text()`,
    `return [Headers.name, Headers.length, Request.length, Response.length, Headers.prototype.append.length, fetch.length, fetch.name]`,
    `return [Object.keys(Headers.prototype), Object.keys(Response)].map((x) => x.sort().join())`,
    `return await fetch()`,
    `return await fetch("nope")`,
  ])("%s", async (code) => {
    await expectSame(guest, code);
  });

  it("refuses a body that would be sent as [object Object]", async () => {
    const code = `(async () => { try { new Response({ a: 1 }) } catch (e) { return e instanceof TypeError && e.message } })()`;
    expect(await guest.run(code)).toContain("JSON.stringify(object)");
  });
});
