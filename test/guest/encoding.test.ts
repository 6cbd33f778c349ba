import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectSame } from "./compare.ts";
import { createGuest, type Guest } from "./guest-harness.ts";

let guest: Guest;
beforeAll(async () => {
  guest = await createGuest();
  await guest.run(`function decodeAll(jobs) {
    return JSON.stringify(jobs.map(([label, options, chunks]) => {
      const out = [];
      try {
        const decoder = new TextDecoder(label, options);
        chunks.forEach((chunk, i) => {
          const stream = i < chunks.length - 1;
          const text = decoder.decode(new Uint8Array(chunk), { stream });
          for (let j = 0; j < text.length; j++) out.push(text.charCodeAt(j));
        });
      } catch (e) { out.push(e.name + e.code); }
      return out;
    }));
  } 0`);
});
afterAll(() => guest.close());

type Job = [label: string, options: { fatal: boolean; ignoreBOM: boolean }, chunks: number[][]];

function decodeHere(jobs: readonly Job[]): string {
  return JSON.stringify(
    jobs.map(([label, options, chunks]) => {
      const out: (number | string)[] = [];
      try {
        const decoder = new TextDecoder(label, options);
        chunks.forEach((chunk, i) => {
          const text = decoder.decode(new Uint8Array(chunk), { stream: i < chunks.length - 1 });
          for (let j = 0; j < text.length; j++) out.push(text.charCodeAt(j));
        });
      } catch (error) {
        out.push((error as Error).name + (error as { code?: string }).code);
      }
      return out;
    }),
  );
}

/** Bytes that make and break characters more often than chance would. */
const byte = fc.oneof(
  fc.integer({ min: 0, max: 255 }),
  fc.constantFrom(0xef, 0xbb, 0xbf, 0xc2, 0xe0, 0xed, 0xf0, 0xf4, 0x80, 0x90, 0xa0, 0xff, 0xfe, 0xd8, 0xdc, 0x41),
);
const job: fc.Arbitrary<Job> = fc.tuple(
  fc.constantFrom("utf-8", "utf-8", "utf-16le", "latin1"),
  fc.record({ fatal: fc.boolean(), ignoreBOM: fc.boolean() }),
  fc.array(fc.array(byte, { maxLength: 12 }), { minLength: 1, maxLength: 4 }),
);

describe("TextDecoder", () => {
  it("decodes any bytes, in any chunks, as Node's does", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(job, { minLength: 10, maxLength: 10 }), async (jobs) => {
        expect(JSON.parse(await guest.run(`decodeAll(${JSON.stringify(jobs)})`))).toEqual(JSON.parse(decodeHere(jobs)));
      }),
      { numRuns: 200 },
    );
  });

  it("decodes every byte of windows-1252", async () => {
    await expectSame(guest, `return new TextDecoder("latin1").decode(Uint8Array.from({ length: 256 }, (_, i) => i))`);
  });

  it.each([
    "utf8",
    " UTF-8 ",
    "unicode-1-1-utf-8",
    "utf-16",
    "ucs-2",
    "latin1",
    "ascii",
    "iso-8859-1",
    "cp1252",
    "x",
    "",
  ])("knows the label %j as Node does", async (label) => {
    await expectSame(guest, `return new TextDecoder(${JSON.stringify(label)}).encoding`);
  });

  it.each([
    `return new TextDecoder().decode()`,
    `return new TextDecoder().decode(new DataView(new Uint8Array([65, 66, 67]).buffer, 1, 1))`,
    `return new TextDecoder().decode(new Uint16Array([0x4241]))`,
    `return new TextDecoder().decode(new Uint8Array([65, 66]).buffer)`,
    `return new TextDecoder().decode("text").length`,
    `return new TextDecoder().decode({}).length`,
    `const d = new TextDecoder("utf-8", { fatal: 1, ignoreBOM: "x" }); return [d.fatal, d.ignoreBOM, d.encoding]`,
    `return new TextDecoder().decode(new Uint8Array(100000).fill(97)).length`,
    `const d = new TextDecoder("utf-8", { fatal: true }); try { d.decode(new Uint8Array([255])) } catch {} return d.decode(new Uint8Array([65]))`,
  ])("does what Node's does: %s", async (code) => {
    // Node words and codes its own argument errors differently: only the class counts.
    const wrapped = `try { return await (async () => { ${code} })() } catch (e) { return e.name }`;
    await expectSame(guest, wrapped);
  });
});

describe("TextEncoder", () => {
  it("encodes any string, lone surrogates too, as Node's does", async () => {
    const unit = fc.oneof(
      fc.integer({ min: 0, max: 0xffff }),
      fc.constantFrom(0xd800, 0xdbff, 0xdc00, 0xdfff, 0x7f, 0x80, 0x7ff, 0x800),
    );
    const units = fc.array(fc.array(unit, { maxLength: 20 }), { minLength: 20, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(units, fc.integer({ min: 0, max: 30 }), async (lists, room) => {
        const code = `return JSON.stringify(${JSON.stringify(lists)}.map((units) => {
          const text = String.fromCharCode(...units); const target = new Uint8Array(${room});
          const done = new TextEncoder().encodeInto(text, target);
          return [[...new TextEncoder().encode(text)], done.read, done.written, [...target]];
        }))`;
        await expectSame(guest, code);
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    `return new TextEncoder().encode().length + new TextEncoder().encoding`,
    `return [...new TextEncoder().encode(null)]`,
    `return [...new TextEncoder().encode({ toString() { return "é" } })]`,
    `return new TextEncoder().encode("é".repeat(100000)).length`,
    `return new TextEncoder().encode("x") instanceof Uint8Array`,
  ])("does what Node's does: %s", async (code) => {
    await expectSame(guest, code);
  });
});

describe("atob() and btoa()", () => {
  it("decode and encode as Node's do", async () => {
    const text = fc
      .array(fc.constantFrom(...Array.from("ABCDwxyz0189+/= \n\t-_é\u0000ÿ")), { maxLength: 12 })
      .map((list) => list.join(""));
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 20, maxLength: 20 }), async (texts) => {
        const code = `const safely = (f, x) => { try { return f(x) } catch (e) { return [e.name, e.code, e instanceof DOMException] } };
          return JSON.stringify(${JSON.stringify(texts)}.map((x) => [safely(atob, x), safely(btoa, x)]))`;
        await expectSame(guest, code);
      }),
      { numRuns: 100 },
    );
  });

  it("take each other's results back", async () => {
    await expectSame(
      guest,
      `const all = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i)); return atob(btoa(all)) === all`,
    );
    await expectSame(guest, `return [atob(" Y Q = = "), atob("YQ"), btoa(""), btoa(12), atob(null)]`);
  });
});
