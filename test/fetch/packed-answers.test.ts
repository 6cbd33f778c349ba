import { brotliCompressSync, constants, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fetchOwnBytes } from "../../src/base/bytes/own-bytes.ts";
import { MAX_ADDED_MB } from "../machine/parent-load.ts";
import { REJECTION, valueOf } from "./run-fetch.ts";
import { TestServer } from "./test-server.ts";

/** How a server can pack, and how many such answers a script may have open. */
const CODINGS: Record<string, { pack: (bytes: Buffer) => Buffer; most: number }> = {
  gzip: { pack: gzipSync, most: 12 },
  deflate: { pack: deflateSync, most: 1 },
  br: {
    pack: (bytes) =>
      brotliCompressSync(bytes, {
        params: { [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_QUALITY]: 5 },
      }),
    most: 4,
  },
  zstd: { pack: zstdCompressSync, most: 4 },
};
const LARGE = Buffer.alloc(40_000_000);

let server: TestServer;
beforeAll(async () => {
  const routes = Object.entries(CODINGS).flatMap(([coding, { pack }]) => {
    const large = pack(LARGE);
    const small = pack(Buffer.from("unpacked"));
    return [
      [`/large/${coding}`, { coding, body: large }],
      [`/small/${coding}`, { coding, body: small }],
      [`/twice/${coding}`, { coding: `${coding}, gzip`, body: gzipSync(small) }],
      [`/unknown/${coding}`, { coding: `${coding}, nothing`, body: small }],
    ] as const;
  });
  server = await TestServer.start(
    Object.fromEntries(
      routes.map(([path, { coding, body }]) => [
        path,
        (_, response) => void response.setHeader("content-encoding", coding).end(body),
      ]),
    ),
  );
});
afterAll(() => server[Symbol.asyncDispose]());

const run = (code: string): Promise<unknown> =>
  valueOf(`${REJECTION}\nconst base = "${server.url}";\n${code}`, { net: [server.host] });

describe.each(Object.entries(CODINGS))("an answer packed with %s", (coding, { most }) => {
  it("is unpacked, however many come one after the other", async () => {
    const code = `let text = "";
      for (let i = 0; i < 8; i++) text += await (await fetch(base + "/small/${coding}")).text();
      await (await fetch(base + "/large/${coding}")).body.cancel();
      await fetch(base + "/small/${coding}", { method: "HEAD" });
      export default text + (await (await fetch(base + "/small/${coding}")).text())`;
    expect(await run(code)).toBe("unpacked".repeat(9));
  });

  it("is refused where more would be kept than one engine may, until others have been read", async () => {
    const code = `const open = await Promise.allSettled(Array.from({ length: 12 }, () => fetch(base + "/large/${coding}")));
      const first = open.filter(({ status }) => status === "fulfilled");
      const [refused] = open.filter(({ status }) => status === "rejected");
      await first[0].value.body.cancel();
      const again = await (await fetch(base + "/small/${coding}")).text();
      export default [first.length, again, refused?.reason.code, refused?.reason.isTransient, refused?.reason.message]`;
    const [first, again, ...error] = (await run(code)) as unknown[];
    expect([first, again]).toEqual([most, "unpacked"]);
    if (most < 12) expect(error).toEqual(["ERR_FETCH", true, expect.stringContaining("accept-encoding: gzip")]);
  });

  it("is refused where it is packed once more, and given as it is where nobody can unpack it", async () => {
    const code = `const raw = await (await fetch(base + "/unknown/${coding}")).arrayBuffer();
      export default [(await rejection(fetch(base + "/twice/${coding}"))), raw.byteLength > 0]`;
    expect(await run(code)).toEqual([
      ["TypeError", "ERR_FETCH", "fetch failed: the server has packed its answer 2 times"],
      true,
    ]);
  });

  it("comes to providers and MCP servers only where that takes little", async () => {
    const answer = fetchOwnBytes(`${server.url}/small/${coding}`);
    if (coding === "gzip") await expect(answer.then((got) => got.text())).resolves.toBe("unpacked");
    else await expect(answer).rejects.toThrow(`packs its answer with ${coding}; gzip alone is unpacked`);
    await expect(fetchOwnBytes(`${server.url}/twice/${coding}`)).rejects.toThrow("gzip alone is unpacked");
    expect(server.asked.at(-1)!.headers["accept-encoding"]).toBe("gzip");
  });
});

it("holds little of packed answers that nobody reads", async () => {
  const before = process.memoryUsage().rss;
  const code = `const open = (await Promise.allSettled(
      ["br", "deflate", "gzip", "zstd"].flatMap((coding) =>
        Array.from({ length: 16 }, () => fetch(base + "/large/" + coding)))));
    const readers = open.flatMap(({ value }) => value === undefined ? [] : [value.body.getReader()]);
    for (let i = 0; i < 5; i++) for (const reader of readers) await reader.read();
    export default readers.length`;
  expect(await run(code)).toBeGreaterThan(16);
  // What has been freed is not always given back at once, and what was taken is not always used.
  expect((process.memoryUsage().rss - before) / 1e6).toBeLessThan(4 * MAX_ADDED_MB);
});
