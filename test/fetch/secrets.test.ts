import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { setupFetch } from "../../src/index.ts";
import { SecretFilter, SecretPatterns } from "../../src/fetch/secret-patterns.ts";
import { REJECTION, runFetch, valueOf } from "./run-fetch.ts";
import { TestServer } from "./test-server.ts";

const SECRET = "ghp_s3cr3t+value/with=odd~signs 42";

let own: TestServer;
let other: TestServer;
const echo = (server: () => TestServer) => (_: unknown, response: { end(text: string): void }) =>
  response.end(JSON.stringify(server().asked.at(-1)));

beforeAll(async () => {
  own = await TestServer.start({
    "/": echo(() => own),
    "/drip": (_, response) => {
      const bytes = Buffer.from(`before ${own.asked.at(-1)!.headers.authorization} after`);
      let at = 0;
      const next = (): void => {
        if (at === bytes.length) response.end();
        else response.write(bytes.subarray(at, ++at), () => setImmediate(next));
      };
      next();
    },
    "/header": (_, response) => {
      response.setHeader("x-echo", own.asked.at(-1)!.headers.authorization!).end("x");
    },
    "/away": (_, response) => response.writeHead(302, { location: other.url }).end(),
    "/leak": (_, response) => {
      const { authorization } = own.asked.at(-1)!.headers;
      response.writeHead(302, { location: `${other.url}/?${encodeURIComponent(authorization!)}` }).end();
    },
    "/to": ({ url, headers }, response) => {
      const to = decodeURIComponent(url!.split("?")[1]!).replace("KEY", String(headers["x-to"]));
      response.writeHead(302, { location: to }).end();
    },
    "/around": (_, response) => {
      const { authorization } = own.asked.at(-1)!.headers;
      response.writeHead(302, { location: `/?${encodeURIComponent(authorization!)}` }).end();
    },
  });
  other = await TestServer.start({ "/": echo(() => other) });
});
afterAll(async () => {
  await own[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
});

const run = (code: string): Promise<unknown> =>
  valueOf(`const own = "${own.url}", other = "${other.url}"; ${REJECTION} ${code}`, {
    net: [own.host, other.host],
    secrets: { github: { value: SECRET, hosts: [own.host] } },
  });

describe("secrets", () => {
  it("go in headers to their own hosts, also within basic credentials, and the script never has them", async () => {
    const code = `const send = (authorization) => fetch(own, { headers: { authorization } }).then((r) => r.text());
      export default [await send("Bearer " + secrets.github), await send("Basic " + btoa("me:" + secrets.github)), secrets.github, JSON.stringify(secrets)]`;
    const shown = JSON.stringify(await run(code));
    const [bearer, basic] = own.asked.slice(-2).map(({ headers }) => headers.authorization);
    expect(bearer).toBe(`Bearer ${SECRET}`);
    expect(Buffer.from(basic!.slice(6), "base64").toString()).toBe(`me:${SECRET}`);
    expect(shown).toContain("[redacted]");
    expect(shown).not.toContain("s3cr3t");
  });

  it.each([
    ["another host", `fetch(other, { headers: { a: secrets.github } })`],
    ["another port", `fetch(other + "/x", { headers: { a: "x " + secrets.github } })`],
    ["a placeholder that the script has built", `fetch(other, { headers: { a: "__secrets." + "github__" } })`],
    ["base64 for another host", `fetch(other, { headers: { a: "Basic " + btoa(secrets.github) } })`],
    ["the path", `fetch(own + "/" + secrets.github)`],
    ["the query", `fetch(own + "/?a=" + encodeURIComponent(secrets.github))`],
    ["the body", `fetch(own, { method: "POST", body: "a" + secrets.github })`],
    ["a body of bytes", `fetch(own, { method: "POST", body: new TextEncoder().encode(secrets.github) })`],
    ["a redirect that holds it", `fetch(own + "/leak", { headers: { authorization: "Bearer " + secrets.github } })`],
  ])("do not go out by %s", async (_, call) => {
    const before = other.asked.length;
    expect(await run(`export default await rejection(${call})`)).toEqual([
      "PermissionError",
      "ERR_SECRET",
      expect.stringContaining("secret access denied"),
    ]);
    expect(JSON.stringify(other.asked.slice(before))).not.toContain("s3cr3t");
    expect(other.asked.length).toBe(before);
  });

  it("stay behind when a redirect leads to another host", async () => {
    await run(
      `export default await rejection(fetch(own + "/away", { headers: { "x-key": secrets.github, "x-b": "1" } }))`,
    );
    expect(other.asked.at(-1)?.headers).toMatchObject({ "x-b": "1" });
    expect(other.asked.at(-1)?.headers).not.toHaveProperty("x-key");
  });

  it("are taken out of answers: of headers, of the URL, and where they come byte by byte", async () => {
    const code = `const headers = { authorization: "Bearer " + secrets.github };
      const dripped = await (await fetch(own + "/drip", { headers })).text();
      const header = (await fetch(own + "/header", { headers })).headers.get("x-echo");
      const around = await fetch(own + "/around", { headers });
      const manual = await fetch(own + "/around", { headers, redirect: "manual" });
      export default [dripped, header, around.url, manual.headers.get("location")]`;
    expect(await run(code)).toEqual([
      "before Bearer [redacted] after",
      "Bearer [redacted]",
      `${own.url}/?Bearer%20[redacted]`,
      "/?Bearer%20[redacted]",
    ]);
  });

  it("are told by no name that a server makes of them, neither to a resolver nor in an error", async () => {
    const secret = "AbCdEf-123456";
    const looked: string[] = [];
    const told: unknown[] = [];
    const outcome = await runFetch(
      `const headers = { "x-to": "to." + secrets.key };
      ${REJECTION}
      const all = [];
      for (const to of ["https://x.KEY.example.com/", "https://KEY.example.org/", "https://KEY:a@example.com/", "//KEY", "http://127.0.0.1/?KEY"]) {
        const url = "${own.url}/to?" + encodeURIComponent(to);
        all.push(await rejection(fetch(url, { headers: { "x-to": secrets.key } })));
      }
      export default all;`,
      {
        net: [own.host, "*.example.com", "example.com"],
        secrets: { key: { value: secret, hosts: [own.host] } },
        lookup: (name, _, callback) => {
          looked.push(name);
          callback(null, [{ address: "127.0.0.1", family: 4 }]);
        },
        onPermission: (use) => told.push(use),
      },
    );
    expect(outcome.value).toHaveLength(5);
    for (const [, code] of outcome.value as string[][]) expect(code).toBe("ERR_SECRET");
    expect(looked).toEqual([]);
    expect(JSON.stringify([outcome, told]).toLowerCase()).not.toContain(secret.toLowerCase());
  });

  it("make no request larger than it may be, however often a script names them", async () => {
    const asked = own.asked.length;
    const outcome = await runFetch(
      `${REJECTION}
      const many = secrets.key.repeat(2_000), some = secrets.key.repeat(6);
      export default [
        await rejection(fetch("${own.url}/", { headers: { a: many } })),
        await rejection(fetch("${own.url}/", { headers: { a: "Basic " + btoa(many) } })),
        await rejection(fetch("${own.url}/", { headers: Array.from({ length: 20 }, (_, i) => ["a" + i, some]) })),
      ];`,
      { net: [own.host], secrets: { key: { value: "k".repeat(8_000), hosts: [own.host] } } },
    );
    const error = ["ValidationError", "ERR_VALIDATION", expect.stringContaining("65536 characters together")];
    expect(outcome.value).toEqual([error, error, error]);
    expect(own.asked.length).toBe(asked);
  });

  it("that there are not are an error with a suggestion", async () => {
    const code = `const all = []; for (const name of ["githb", "other"]) try { secrets[name] } catch (e) { all.push(e.message) }
      export default [all, Object.keys(secrets), String(secrets), secrets.toJSON]`;
    expect(await run(code)).toEqual([
      [
        "Cannot use secrets.githb: there is no such secret; did you mean github?",
        "Cannot use secrets.other: there is no such secret; the host or the configuration names secrets",
      ],
      ["github"],
      "[object Object]",
      undefined,
    ]);
  });

  it("are refused where they cannot be kept", () => {
    const make = (secret: unknown) => () =>
      setupFetch({ secrets: { a: secret } as never })({ host: {} } as never, { limits: {} } as never);
    expect(make({ value: "short", hosts: ["a.b"] })).toThrow("the value of a has to be a text of 8 to 8192 characters");
    expect(make({ value: "long enough\n", hosts: ["a.b"] })).toThrow("holds what no header can");
    expect(make({ value: "long enough", hosts: [] })).toThrow("the hosts of a have to be a list of at least one host");
    expect(make({ value: "long enough", hosts: ["https://a.b"] })).toThrow("Cannot allow the host");
    expect(make(undefined)).toThrow("the value of a");
  });

  it("do not go over the network without encryption", async () => {
    const outcome = await runFetch(`await fetch("http://api.example.com/", { headers: { a: secrets.key } })`, {
      net: ["api.example.com"],
      secrets: { key: { value: SECRET, hosts: ["api.example.com"] } },
      lookup: () => expect.unreachable(),
    });
    expect(outcome.error?.message).toBe(
      "secret access denied: key goes to api.example.com by https, and not to http://api.example.com",
    );
  });
});

describe("SecretFilter", () => {
  const forms = (secret: string): string[] => [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    Buffer.from(secret).toString("hex"),
    encodeURIComponent(
      Buffer.from(secret)
        .toString("base64")
        .slice(0, Math.floor((secret.length * 8) / 6)),
    ),
    secret
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;")
      .replaceAll('"', "&quot;")
      .replaceAll("'", "&#39;"),
  ];
  const secretText = fc.string({
    unit: fc.integer({ min: 0x20, max: 0x7e }).map((c) => String.fromCharCode(c)),
    minLength: 8,
    maxLength: 40,
  });
  const around = fc.string({ maxLength: 30 });

  it("finds every form wherever the bytes are cut, and keeps all else", () => {
    fc.assert(
      fc.property(
        secretText,
        around,
        around,
        fc.array(fc.nat({ max: 20 }), { maxLength: 60 }),
        fc.nat(),
        (secret, before, after, cuts, pick) => {
          const all = forms(secret);
          const form = all[pick % all.length]!;
          fc.pre(![before, after, before + after].some((text) => all.some((one) => text.includes(one))));
          const bytes = Buffer.from(before + form + after);
          const filter = new SecretFilter(new SecretPatterns([secret]));
          const out: Buffer[] = [];
          let at = 0;
          for (const cut of cuts) {
            out.push(filter.push(bytes.subarray(at, at + cut)));
            at += cut;
          }
          out.push(filter.push(bytes.subarray(at)), filter.end());
          const text = Buffer.concat(out).toString();
          expect(text).not.toContain(form);
          expect(text).toContain("[redacted]");
        },
      ),
    );
  });

  it("finds base64 at any place among other bytes", () => {
    fc.assert(
      fc.property(
        secretText,
        fc.uint8Array({ maxLength: 10 }),
        fc.uint8Array({ maxLength: 10 }),
        fc.boolean(),
        (secret, before, after, isUrl) => {
          const whole = Buffer.concat([before, Buffer.from(secret), after]).toString(isUrl ? "base64url" : "base64");
          const text = new SecretPatterns([secret]).clean(whole);
          expect(Buffer.from(text.replace("[redacted]", ""), "base64").toString()).not.toContain(secret);
          expect(text).toContain("[redacted]");
        },
      ),
    );
  });

  it("changes nothing where there is no secret, and holds back nothing without need", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const filter = new SecretFilter(new SecretPatterns(["ÿnever there"]));
        expect(Buffer.concat([filter.push(bytes), filter.end()])).toEqual(Buffer.from(bytes));
      }),
    );
    const filter = new SecretFilter(new SecretPatterns(["secret-1"]));
    expect(filter.push(Buffer.from("data: 1\n\n")).toString()).toBe("data: 1\n\n");
    expect(filter.push(Buffer.from("data: sec")).toString()).toBe("data: ");
    expect(filter.push(Buffer.from("ond\n")).toString()).toBe("second\n");
  });
});
