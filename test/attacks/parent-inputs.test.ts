import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { MAX_IMAGE_BYTES } from "../../src/images/image-format.ts";
import { RuntimeEngine, setupDefaults, type ScriptOutcome } from "../../src/index.ts";
import { encodeMessage, MAX_CHILD_MESSAGE_BYTES, MESSAGE, MessageReader } from "../../src/sandbox/message.ts";
import { ProcessRealm } from "../../src/sandbox/process-realm.ts";
import type { HostBridge } from "../../src/sandbox/realm.ts";
import { encodeValue } from "../../src/shared/codec.ts";
import { MAX_FRAME_CHARS } from "../../src/shared/frames.ts";
import { Output } from "../engine/engine-harness.ts";
import { allowedStallMs, MAX_ADDED_MB, measureLoad } from "../machine/parent-load.ts";

/** An image of 20 MB is there as bytes, as base64 and as what crosses, until the last two are collected. */
const MAX_IMAGE_MB = 128;

/** An image of so many bytes that has as many parts as it can have. */
function pngOf(size: number): Buffer {
  const signature = Buffer.from("89504e470d0a1a0a", "hex");
  const chunk = (type: string, dataBytes = 0): Buffer => {
    const bytes = Buffer.alloc(12 + dataBytes);
    bytes.writeUInt32BE(dataBytes);
    bytes.write(type, 4, "latin1");
    return bytes;
  };
  const data = chunk("IDAT");
  const left = size - signature.length - 2 * data.length;
  const header = chunk("IHDR", left % data.length);
  const count = (left - (left % data.length)) / data.length;
  return Buffer.concat([signature, header, ...Array.from({ length: count }, () => data), chunk("IEND")]);
}

let engine: RuntimeEngine;
let bridge: HostBridge;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "inputs-"));
  const png = pngOf(MAX_IMAGE_BYTES);
  await writeFile(join(folder, "large.png"), png);
  await writeFile(join(folder, "larger.png"), Buffer.concat([png, Buffer.alloc(1)]));
  const { create } = ProcessRealm;
  const spy = vi.spyOn(ProcessRealm, "create").mockImplementation((given, ...rest) => {
    bridge = given;
    return create(given, ...rest);
  });
  engine = new RuntimeEngine({
    console: new Output(),
    limits: { memoryMB: 512, outputBytes: 4_000_000 },
    permissions: { read: [folder] },
    setup: [setupDefaults()],
  });
  await engine.start();
  spy.mockRestore();
});

afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true });
});

const nameOf = (index: number): string => `k${index.toString(36)}`;

/** What a value of so many parts is, and how many a guest's encoder just lets through. */
const VALUES: Record<string, [count: number, valueOf: (count: number) => unknown]> = {
  "one text": [16_700_000, (count) => "x".repeat(count)],
  "one text of quotes": [8_350_000, (count) => '"'.repeat(count)],
  numbers: [2_300_000, (count) => Array.from({ length: count }, () => 1)],
  "empty texts": [2_000_000, (count) => Array.from({ length: count }, () => "")],
  "empty lists": [540_000, (count) => Array.from({ length: count }, () => [])],
  "fields of the same name": [100_000, (count) => Array.from({ length: count }, () => ({ a: 1 }))],
  "fields of different names": [
    120_000,
    (count) => Object.fromEntries(Array.from({ length: count }, (_, index) => [nameOf(index), 1])),
  ],
  "objects whose names differ": [
    95_000,
    (count) => Array.from({ length: count }, (_, index) => ({ [nameOf(index)]: 1 })),
  ],
  "what is not there": [340_000, (count) => Array.from({ length: count }, () => undefined)],
  dates: [330_000, (count) => Array.from({ length: count }, () => new Date(1))],
  errors: [28_000, (count) => Array.from({ length: count }, () => new Error("x"))],
  "a map": [140_000, (count) => new Map(Array.from({ length: count }, (_, index) => [nameOf(index), 1]))],
  "a set": [205_000, (count) => new Set(Array.from({ length: count }, (_, index) => nameOf(index)))],
  "large numbers": [2050, (count) => Array.from({ length: count }, () => 10n ** 4000n)],
};

describe("the parent", () => {
  it.each(Object.keys(VALUES))(
    "reads the largest value of %s that a script can send without a long stall",
    async (name) => {
      const [count, valueOf] = VALUES[name]!;
      const text = encodeValue([1, "check_settle", { id: -1, value: valueOf(count) }]);
      expect(() => encodeValue(valueOf(Math.ceil(count * 1.2)))).toThrow("Cannot copy a value of more than");
      const { result, stallMs, addedMB } = await measureLoad(() => bridge.call(text));
      expect(JSON.parse(result)).toMatchObject({ ok: true });
      expect(stallMs).toBeLessThan(allowedStallMs());
      expect(addedMB).toBeLessThan(MAX_ADDED_MB);
    },
  );

  it.each([
    ["lists", `${"[],".repeat(3_000_000)}1`],
    ["fields of different names", Array.from({ length: 300_000 }, (_, i) => `{"${nameOf(i)}":1}`).join(",")],
    ["text", JSON.stringify("x".repeat(2 * MAX_FRAME_CHARS))],
    ["lists that are nested without end", "[".repeat(5_000_000)],
  ])("refuses %s that no encoder lets through before it reads them", async (_, values) => {
    const { result, stallMs, addedMB } = await measureLoad(() => bridge.call(`[1,"check_settle",[${values}]]`));
    expect(JSON.parse(result)).toMatchObject({ ok: false, error: { message: "Cannot read a frame: it is too long" } });
    expect(stallMs).toBeLessThan(allowedStallMs());
    expect(addedMB).toBeLessThan(MAX_ADDED_MB);
  });

  it("takes the longest message of a child, and refuses one that is longer by its head alone", async () => {
    const text = "x".repeat(MAX_CHILD_MESSAGE_BYTES - 16);
    const bytes = encodeMessage({ type: MESSAGE.note, id: 1, frame: { text } });
    const reader = new MessageReader(MAX_CHILD_MESSAGE_BYTES);
    const { result, stallMs } = await measureLoad(() => {
      reader.add(bytes);
      return reader.next()?.frame?.text.length;
    });
    expect(result).toBe(text.length);
    expect(stallMs).toBeLessThan(allowedStallMs());
    const head = Buffer.alloc(4);
    head.writeUInt32LE(MAX_CHILD_MESSAGE_BYTES + 1);
    reader.add(head);
    expect(() => reader.next()).toThrow("the message is too long");
  });

  it.each<[string, string, Partial<ScriptOutcome>, RegExp]>([
    [
      "an image",
      "const c = new Conversation(); await c.addMessageWithImage('user', 'x', 'FILE'); export default c.getMessages().length",
      { value: 1 },
      /image/,
    ],
    [
      "random bytes",
      "export default crypto.getRandomValues(new Uint8Array(COUNT)).length",
      { value: 65_536 },
      /exceeds 65,536 bytes/,
    ],
    [
      "what is printed",
      "for (let i = 0; i < PRINTED; i++) console.log('x'.repeat(900_000)); export default 1",
      { value: 1 },
      /^LimitError The script exceeded its output limit/,
    ],
  ])(
    "takes %s of the largest size without a long stall, and refuses one that is larger",
    async (_, code, expected, refusal) => {
      const sized = (isLargest: boolean): string =>
        code
          .replace("FILE", join(folder, isLargest ? "large.png" : "larger.png"))
          .replace("COUNT", isLargest ? "65536" : "65537")
          .replace("PRINTED", isLargest ? "4" : "5");
      const { result, stallMs, addedMB } = await measureLoad(() => engine.runScript({ code: sized(true) }));
      expect(result.error?.message).toBeUndefined();
      expect(result).toMatchObject({ ok: true, ...expected });
      expect(stallMs).toBeLessThan(allowedStallMs());
      expect(addedMB).toBeLessThan(code.includes("FILE") ? MAX_IMAGE_MB : MAX_ADDED_MB);
      const refused = await measureLoad(() => engine.runScript({ code: sized(false) }));
      expect(`${refused.result.error?.name} ${refused.result.error?.message}`).toMatch(refusal);
      expect(refused.stallMs).toBeLessThan(allowedStallMs());
    },
  );
});
