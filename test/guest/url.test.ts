import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectSame } from "./compare.ts";
import { createGuest, type Guest } from "./guest-harness.ts";

let guest: Guest;
beforeAll(async () => {
  guest = await createGuest();
});
afterAll(() => guest.close());

const SHOW = `const show = (u) => JSON.stringify([u.href, u.origin, u.protocol, u.username, u.password, u.host, u.hostname,
  u.port, u.pathname, u.search, u.hash, [...u.searchParams], u.toString(), u.toJSON(), JSON.stringify({ u })]);`;

const PARSED = [
  `"https://user:pass@sub.example.com:8080/p/a/t/h?query=string&a=1#hash"`,
  `"http://EXAMPLE.com:80/../a/./b"`,
  `"../x?y", "http://a/b/c/d"`,
  `"//host/p", "https://a/"`,
  `"?q", "http://a/b?old#h"`,
  `"#f", "http://a/b?q"`,
  `"data:text/plain,hello world"`,
  `"mailto:a@b.c"`,
  `"file:///a/b"`,
  `"http://ünïcode.example/päth?qüery#frägment"`,
  `"http://[::1]:3000/"`,
  `"http://1.2.3/"`,
  `"javascript:alert(1)"`,
  `"  http://trim.me/  "`,
  `"http://a/?"`,
  `"http://a/#"`,
  `"http://a/%zz?a=%zz"`,
  `"nope"`,
  `""`,
  `"http://"`,
  `"http://a:99999"`,
  `"x", "also not"`,
  `"http://a/", undefined`,
  `{ toString() { return "http://obj/"; } }`,
  `new URL("http://copy/")`,
  `"http://a/\\ud800"`,
];

describe("URL", () => {
  it.each(PARSED)("parses as Node's: new URL(%s)", async (args) => {
    await expectSame(guest, `${SHOW} return show(new URL(${args}))`);
    await expectSame(guest, `return [URL.canParse(${args}), URL.parse(${args})?.href]`);
  });

  it.each([
    `u.href = "https://other/?z=1"`,
    `u.href = "broken"`,
    `u.protocol = "https"`,
    `u.protocol = "mailto:"`,
    `u.username = "me@"; u.password = "p:w"`,
    `u.host = "h:99"`,
    `u.hostname = "ex ample"`,
    `u.hostname = "new.example"`,
    `u.port = "8081"; u.port = "x"`,
    `u.port = ""`,
    `u.pathname = "a b/ü"`,
    `u.search = "?q=1&q=2"`,
    `u.search = ""`,
    `u.hash = "new hash"`,
    `u.hash = ""`,
    `u.searchParams.append("k", "v w&=+ü")`,
    `u.searchParams.delete("a")`,
    `u.searchParams.set("a", "9"); u.searchParams.sort()`,
    `for (const k of [...u.searchParams.keys()]) u.searchParams.delete(k)`,
    `const p = u.searchParams; u.search = "z=26"; p.append("y", "25")`,
    `const p = u.searchParams; u.href = "http://b/?only=1"; p.set("only", "2")`,
    `u.origin = "x"`,
  ])("sets as Node's: %s", async (change) => {
    const code = `${SHOW} const u = new URL("http://u:p@a:81/b?c=3&a=1&b=2&a=4#h"); let e = "";
      try { ${change} } catch (error) { e = error.name + " " + error.code } return e + show(u)`;
    await expectSame(guest, code);
  });

  it("throws a TypeError with a code and its input when it is invalid", async () => {
    const code = `try { new URL("nope", "nor this") } catch (e) { return [e instanceof TypeError, e.message, e.code, e.input, e.base] }`;
    expect(await expectSame(guest, code)).toBe("true,Invalid URL,ERR_INVALID_URL,nope,nor this");
  });

  it("checks its receivers by brand", async () => {
    const code = `try { Object.getOwnPropertyDescriptor(URL.prototype, "href").get.call({ href: 1 }); return "no" }
      catch (e) { return e instanceof TypeError }`;
    expect(await guest.run(`(() => { ${code} })()`)).toBe("true");
  });
});

const LIST = `const list = (p) => JSON.stringify([...p]) + p + p.size;`;

describe("URLSearchParams", () => {
  it.each([
    `""`,
    `"?a=1&b=2&a=3"`,
    `"a=1&&b&=c&d=%20+%zz%c3%bc"`,
    `"%ff=%c3"`,
    `"a=b=c"`,
    `"??x=1"`,
    `[["a", 1], ["b", null], ["a", true]]`,
    `[["a", 1, 2]]`,
    `[["a"]]`,
    `[5]`,
    `{ a: 1, b: "x y", "ü&": "=" }`,
    `new Map([["a", "1"], ["b", "2"]])`,
    `new URLSearchParams("x=1&y=2")`,
    `undefined`,
    `null`,
    `5`,
    `Symbol("s")`,
    `new Set([new Set(["k", "v"])])`,
    `"\\ud800=\\udc00"`,
    `"a=*-._~!'()"`,
  ])("is created as Node's: new URLSearchParams(%s)", async (init) => {
    await expectSame(guest, `${LIST} return list(new URLSearchParams(${init}))`);
  });

  it.each([
    `p.append("c", "3"); return list(p)`,
    `p.delete("a"); return list(p)`,
    `p.delete("a", "3"); return list(p)`,
    `return [p.get("a"), p.get("z"), p.getAll("a"), p.getAll("z")]`,
    `return [p.has("a"), p.has("a", "3"), p.has("a", "4"), p.has("z"), p.has("a", undefined)]`,
    `p.set("a", "9"); p.set("new", "n"); return list(p)`,
    `p.append("\\ufffd", "1"); p.append("😀", "2"); p.append("a", "0"); p.sort(); return list(p)`,
    `const out = []; p.forEach(function (v, k, o) { out.push(v, k, o === p, this.x) }, { x: 1 }); return out`,
    `return [[...p.keys()], [...p.values()], JSON.stringify([...p.entries()])]`,
    `const out = []; for (const [k] of p) { out.push(k); if (out.length < 5) p.append("more" + out.length, "x") } return out`,
    `const it = p[Symbol.iterator](); return [Object.prototype.toString.call(it), Object.prototype.toString.call(p), it[Symbol.iterator]() === it]`,
    `return Object.fromEntries(p).b + new URLSearchParams(p) + p.toString()`,
  ])("does what Node's does: %s", async (code) => {
    await expectSame(guest, `${LIST} const p = new URLSearchParams("a=1&b=2&a=3"); ${code}`);
  });
});

describe("a URL of megabytes", () => {
  it("is none beyond two, also where it is longer when it is escaped", async () => {
    const code = `[new URL("http://a/" + "b".repeat(2e6)).href.length, URL.canParse("http://a/" + "b".repeat(3e6)),
      URL.canParse("http://a/" + "\u00e9".repeat(1e6)), URL.canParse("x", "http://a/" + "b".repeat(3e6))]`;
    expect(JSON.parse(await guest.run(`JSON.stringify(${code})`))).toEqual([2_000_009, false, false, false]);
  });

  it("changes nothing as a part of another one", async () => {
    const code = `const u = new URL("http://a/b"); u.hash = "x".repeat(3e6); u.pathname = "\u00e9".repeat(1e6); return u.href`;
    expect(await guest.run(`(() => { ${code} })()`)).toBe("http://a/b");
  });
});
