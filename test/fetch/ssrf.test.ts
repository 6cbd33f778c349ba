import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Lookup } from "../../src/index.ts";
import { REJECTION, valueOf } from "./run-fetch.ts";
import { TestServer } from "./test-server.ts";

/** Must never be asked, by whatever name. */
let canary: TestServer;
/** May be asked. */
let server: TestServer;

beforeAll(async () => {
  canary = await TestServer.start({ "/": (_, response) => response.end("the cloud's keys") });
  server = await TestServer.start({
    "/to": (request, response) => {
      const location = decodeURIComponent(new URL(request.url!, "http://x").searchParams.get("url")!);
      response.writeHead(302, { location }).end();
    },
    "/hop": (_, response) => response.writeHead(307, { location: `/to?url=${encodeURIComponent(canary.url)}` }).end(),
  });
});
afterAll(async () => {
  await canary[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

/** Ways to write this machine's address, and those of machines that only a network's own know. */
const HOSTS =
  `127.0.0.1 127.1 127.0.1 2130706433 0x7f000001 0x7f.1 0177.0.0.1 017700000001 127.0.0.1. 127.255.255.254 0 0.0.0.0
  [::1] [::] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1] [64:ff9b::127.0.0.1] [64:ff9b:1::1] [2002:7f00:1::]
  [2001:0:7f00:1::] [fe80::1] [fc00::1] [fd12::1] [fec0::1] [ff02::1] 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254
  169.254.170.2 100.64.0.1 100.100.100.200 192.0.0.192 198.18.0.1 224.0.0.1 255.255.255.255 168.63.129.16 [fd00:ec2::254]
  localhost LOCALHOST localhost. a.localhost metadata metadata.google.internal instance-data kubernetes.default.svc printer.local
  router.lan nas.home db.corp intranet.private １２７.０.０.１ ①②⑦.0.0.1 127。0。0。1 %31%32%37.0.0.1`.split(/\s+/);

const SCHEMES = [
  "file:///etc/passwd",
  "ftp://127.0.0.1/",
  "gopher://127.0.0.1:25/_MAIL",
  "data:text/plain,x",
  "blob:https://a.b/x",
  "javascript:1",
  "ws://127.0.0.1/",
  "about:blank",
  "dict://127.0.0.1/",
  "unix:/var/run/docker.sock",
];

/** What `dns.lookup` would say, for names that somebody else decides about. */
const lookup: Lookup = (name, _, callback) => {
  const addresses = NAMES[name];
  if (addresses === undefined) callback(Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`)), []);
  else
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
    );
};
const NAMES: Record<string, string[]> = {
  "to-loopback.example.com": ["127.0.0.1"],
  "to-loopback6.example.com": ["::1"],
  "to-mapped.example.com": ["::ffff:127.0.0.1"],
  "to-metadata.example.com": ["169.254.169.254"],
  "to-private.example.com": ["10.0.0.5"],
  "to-both.example.com": ["93.184.216.34", "127.0.0.1"],
  "to-nat64.example.com": ["64:ff9b::7f00:1"],
  "localtest.me": ["127.0.0.1"],
  localhost: ["10.0.0.5"],
};

describe("fetch with the permission for every public host", () => {
  const denied = async (urls: readonly string[]): Promise<void> => {
    const code = `${REJECTION} const all = {};
      for (const url of ${JSON.stringify(urls)}) all[url] = await rejection(fetch(url));
      export default all`;
    const all = (await valueOf(code, { net: true, lookup })) as Record<string, string[]>;
    for (const url of urls) {
      expect([url, all[url]![0]]).toEqual([url, expect.stringMatching(/^(PermissionError|TypeError)$/)]);
      // A TypeError is one of the URL, before anything is asked.
      if (all[url]![0] === "TypeError") expect([url, all[url]![2]]).toEqual([url, expect.stringMatching(/URL/)]);
    }
    expect(canary.asked).toEqual([]);
  };

  it(`reaches no private host by any of ${HOSTS.length} ways to write one`, () =>
    denied(HOSTS.flatMap((host) => [`http://${host}:${canary.port}/`, `https://${host}/`])));

  it("reaches nothing by another scheme", () => denied(SCHEMES));

  it("reaches no private host by a public name that leads there", () =>
    denied(Object.keys(NAMES).flatMap((name) => (name === "localhost" ? [] : [`http://${name}:${canary.port}/`]))));

  it("asks for the address when it connects, and not before", async () => {
    let asked = 0;
    const rebinding: Lookup = (_, __, callback) =>
      callback(null, [{ address: asked++ === 0 ? "127.0.0.1" : "169.254.169.254", family: 4 }]);
    const code = `${REJECTION} export default [await rejection(fetch("http://rebind.example.com:${canary.port}/")),
      await rejection(fetch("http://rebind.example.com:${canary.port}/"))]`;
    const all = (await valueOf(code, { net: true, lookup: rebinding })) as string[][];
    expect(all.map(([name]) => name)).toEqual(["PermissionError", "PermissionError"]);
    expect(canary.asked).toEqual([]);
  });
});

describe("fetch with the permission for one host", () => {
  const run = (code: string, options: { net?: string[]; lookup?: Lookup } = {}): Promise<unknown> =>
    valueOf(`const base = "${server.url}"; ${REJECTION} ${code}`, { net: [server.host], ...options });

  it.each([
    () => canary.url,
    () => `//127.0.0.1:${canary.port}/`,
    () => "http://169.254.169.254/latest/meta-data",
    () => "http://[::ffff:169.254.169.254]/",
    () => "file:///etc/passwd",
    () => "http://user:pass@127.0.0.1/",
    () => "https://example.com/",
    () => "http://2130706433/",
    () => "javascript:alert(1)",
  ])("follows no redirect to another one (%#)", async (to) => {
    const code = `export default await rejection(fetch(base + "/to?url=" + encodeURIComponent(${JSON.stringify(to())})))`;
    expect(await run(code)).toEqual([
      "PermissionError",
      "ERR_PERMISSION",
      expect.stringContaining("net access denied"),
    ]);
    expect(canary.asked).toEqual([]);
  });

  it("judges each of several redirects", async () => {
    expect(await run(`export default (await rejection(fetch(base + "/hop")))[2]`)).toContain(
      `a redirect of ${server.host}`,
    );
    expect(canary.asked).toEqual([]);
  });

  it("takes neither another port nor a name that only looks like it", async () => {
    const code = `const all = [];
      for (const url of ["${canary.url}", "http://127.0.0.1.example.com/", "http://example.com#@${server.host}/", "http://example.com\\\\@${server.host}/", "https://127.0.0.1/"])
        all.push((await rejection(fetch(url)))[0]);
      export default all`;
    expect(await run(code)).toEqual(Array(5).fill("PermissionError"));
    expect(canary.asked).toEqual([]);
  });

  it("does not believe a resolver about this machine's own name", async () => {
    const options = { net: [`localhost:${canary.port}`], lookup };
    expect(await run(`export default (await rejection(fetch("http://localhost:${canary.port}/")))[0]`, options)).toBe(
      "PermissionError",
    );
  });

  it("hands no credentials on to another origin", async () => {
    await using other = await TestServer.start({ "/": (_, response) => response.end("other") });
    const to = encodeURIComponent(`${other.url}/`);
    const code = `await fetch(base + "/to?url=${to}", { headers: { Authorization: "Bearer x", Cookie: "a=1", "X-Other": "y" } }); export default 1`;
    await run(code, { net: [server.host, other.host] });
    expect(other.asked[0]?.headers).toMatchObject({ "x-other": "y" });
    expect(other.asked[0]?.headers).not.toHaveProperty("authorization");
    expect(other.asked[0]?.headers).not.toHaveProperty("cookie");
    expect(server.asked.at(-1)?.headers).toMatchObject({ authorization: "Bearer x", cookie: "a=1" });
  });
});
