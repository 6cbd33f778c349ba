import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { JournalRecorder } from "../../src/journal/journal-recorder.ts";
import type { JournalFacts, JournalRecord } from "../../src/journal/journal-record.ts";
import { readJournal } from "../../src/journal/read-journal.ts";
import { mayHoldSecrets, redactSecrets } from "../../src/recordings/redact-secrets.ts";

const FACTS: JournalFacts = {
  format: 1,
  product: "1.0.0",
  runtime: "abc",
  node: 26,
  v8: 14,
  isolation: "process",
  hardening: "standard",
  timeZone: "UTC",
  hostZone: "UTC",
  hostLocale: "en-US",
  memoryMB: 128,
  outputBytes: 1000,
};
const BEGIN = `B${JSON.stringify(FACTS).length}:${JSON.stringify(FACTS)}`;

interface Kept {
  recorder: JournalRecorder;
  chunks: Uint8Array[];
  failures: string[];
}

function recorderWith(options: { maxBytes?: number; write?: (chunk: Uint8Array) => void } = {}): Kept {
  const chunks: Uint8Array[] = [];
  const failures: string[] = [];
  const recorder = new JournalRecorder({
    write: (chunk) => void chunks.push(chunk),
    redact: (text) => redactSecrets(text, ""),
    mayRedact: mayHoldSecrets,
    onFailed: (reason) => void failures.push(reason),
    ...options,
  });
  recorder.begin(() => FACTS);
  return { recorder, chunks, failures };
}

/** Hands records to a recorder, as an engine does. */
function feed(recorder: JournalRecorder, records: readonly JournalRecord[]): void {
  for (const record of records) {
    if (record.kind === "entry") recorder.entry(record.frame);
    else if (record.kind === "answer") recorder.answer(record.frame);
    else if (record.kind === "run") recorder.run(record.source);
    else if (record.kind === "call") recorder.call(record.text, record.answer);
    else if (record.kind === "wait") recorder.wait(record.text);
    else if (record.kind === "note") recorder.note(record.text);
    else if (record.kind === "gate") recorder.gate(record.isOpen);
    else if (record.kind === "said") recorder.said(record.text);
    else if (record.kind === "event") recorder.event();
  }
}

const text = fc.string({ unit: "grapheme" });
const frame = fc.oneof(
  text.map((value) => ({ text: value })),
  fc.tuple(text, fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 3 })).map(([value, arrays]) => ({
    text: value,
    buffers: arrays.map((array) => array.slice().buffer),
  })),
);
const RECORD: fc.Arbitrary<JournalRecord> = fc.oneof(
  frame.map((value) => ({ kind: "entry", frame: value }) as const),
  frame.map((value) => ({ kind: "answer", frame: value }) as const),
  fc.tuple(text, text).map(([value, answer]) => ({ kind: "call", text: value, answer }) as const),
  text.map((value) => ({ kind: "wait", text: value }) as const),
  text.map((value) => ({ kind: "note", text: value }) as const),
  text.map((value) => ({ kind: "said", text: value }) as const),
  fc.boolean().map((isOpen) => ({ kind: "gate", isOpen }) as const),
  fc.constant({ kind: "event" } as const),
  text.map(
    (code) =>
      ({ kind: "run", source: { code, filename: "file:///a.js", kind: "module", lineOffset: 0, token: 3 } }) as const,
  ),
);

describe("A journal", () => {
  it("holds what it was given, in order, whatever the texts are", () =>
    fc.assert(
      fc.asyncProperty(fc.array(RECORD, { maxLength: 30 }), async (records) => {
        const { recorder, chunks } = recorderWith();
        feed(recorder, records);
        await recorder.close({ exitCode: 3, signal: "SIGINT", told: { usage: 1 } });
        const read = await readJournal(chunks);
        expect(read.records).toEqual(records);
        expect([read.facts, read.end]).toEqual([FACTS, { exitCode: 3, signal: "SIGINT", told: { usage: 1 } }]);
      }),
    ));

  it("holds a note that is told again and again once", async () => {
    const { recorder, chunks } = recorderWith();
    for (let i = 0; i < 3; i++) feed(recorder, [{ kind: "note", text: "x".repeat(1000) }, { kind: "event" }]);
    await recorder.close({ exitCode: 0 });
    expect(zstdDecompressSync(chunks[0]!).toString()).toMatch(/N1000:x{1000}VnVnVZ14:/);
    expect((await readJournal(chunks)).records.filter(({ kind }) => kind === "note")).toHaveLength(3);
  });

  it("is one part for a short run and several for a long one, none of which waits for the end", async () => {
    const { recorder, chunks } = recorderWith();
    for (let i = 0; i < 20_000; i++) recorder.note(`[1,"timer_start",{"id":${i},"ms":5}]`);
    await expect.poll(() => chunks.length).toBeGreaterThan(1);
    await recorder.close({ exitCode: 0 });
    const { records } = await readJournal(chunks);
    expect(records).toHaveLength(20_000);
  });

  it("is given up when it grows larger than it may, and the run is told why, once", async () => {
    const { recorder, chunks, failures } = recorderWith({ maxBytes: 1_000_000 });
    recorder.note("x".repeat(300_000));
    await expect.poll(() => chunks.length).toBe(1);
    for (let i = 0; i < 30; i++) recorder.note(String(i).repeat(100_000));
    await recorder.close({ exitCode: 0 });
    expect(failures).toEqual(["journal larger than 1 MB"]);
    expect(recorder.failure).toBe("journal larger than 1 MB");
    const { end, damage, records } = await readJournal(chunks);
    expect([end, damage, records.length]).toEqual([undefined, "it breaks off", 1]);
  });

  it("is given up when it cannot be written, and nothing is thrown", async () => {
    const { recorder, failures } = recorderWith({
      write() {
        throw new Error("the disk is full");
      },
    });
    recorder.note("[]");
    await recorder.close({ exitCode: 0 });
    expect(failures).toEqual(["the disk is full"]);
  });

  it("holds no secrets, behind escapes neither, and keeps frames whole", async () => {
    const key = "sk-abcdefghij0123456789";
    const { recorder, chunks } = recorderWith();
    recorder.entry({ text: JSON.stringify([1, "script_begin", { env: { a: `x\n${key}` } }]) });
    recorder.call(JSON.stringify([1, "app.f", [`Bearer\t${key}`]]), JSON.stringify({ ok: true, value: key }));
    recorder.run({ code: `const key = "${key}";\n`, filename: "f", kind: "module", lineOffset: 0, token: 1 });
    recorder.note('[1,"console_write",{"text":"nothing"}]');
    recorder.said(`warning: ${key}`);
    await recorder.close({ exitCode: 0, told: { key } });
    const { records, end } = await readJournal(chunks);
    expect(JSON.stringify([records, end])).not.toContain("abcdefghij");
    expect(records[0]).toEqual({
      kind: "entry",
      frame: { text: JSON.stringify([1, "script_begin", { env: { a: "x\n[redacted]" } }]) },
    });
    expect(records[3]).toEqual({ kind: "note", text: '[1,"console_write",{"text":"nothing"}]' });
  });
});

describe("A journal that cannot be read", () => {
  const note = "N4:[12]";

  it("because it was cut in the middle of a record is read up to there", async () => {
    const whole = `${BEGIN}${note}${note}`;
    for (const cut of [whole.length - 1, whole.length - 4, whole.length - 6]) {
      const { records, damage, end } = await readJournal([zstdCompressSync(whole.slice(0, cut))]);
      expect([records, end]).toEqual([[{ kind: "note", text: "[12]" }], undefined]);
      expect(damage).toMatch(/is cut off|malformed length/);
    }
  });

  it("because a part of it was cut or changed is read up to there", async () => {
    const { recorder, chunks } = recorderWith();
    for (let i = 0; i < 20_000; i++) recorder.note(`[1,"timer_start",{"id":${i},"ms":5}]`);
    await recorder.close({ exitCode: 0 });
    const [first, second] = chunks as [Uint8Array, Uint8Array];
    const changed = second.slice();
    changed[changed.length >> 1]! ^= 255;
    for (const bad of [second.slice(0, second.length >> 1), changed, new Uint8Array()]) {
      const { records, damage, end } = await readJournal([first, bad]);
      expect([end, damage]).toEqual([undefined, "a part of it is damaged"]);
      expect(records.length).toBeGreaterThan(1000);
    }
    await expect(readJournal([first.slice(0, 100)])).rejects.toThrow("a part of it is damaged");
  });

  it("because a newer version made it says so", async () => {
    const newer = JSON.stringify({ ...FACTS, format: 2, something: "else" });
    await expect(readJournal([zstdCompressSync(`B${newer.length}:${newer}`)])).rejects.toThrow(
      "a newer version of geppetto-js made it",
    );
  });

  it("because it is large, deep, or something else is refused in little time and memory", async () => {
    const deep = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;
    const cases: [string, RegExp][] = [
      ["", /^it is empty/],
      ["hello", /unknown record/],
      [note, /^it has no beginning/],
      [`B2:{}`, /"format" at its beginning must be a number/],
      [`B4:null`, /cannot be read/],
      [`B${deep.length}:${deep}`, /cannot be read/],
      [`B99999999999999999999:{}`, /malformed length/],
      [`B-1:{}`, /malformed length/],
      [BEGIN.replace("process", "somehow"), /kind of isolation|cut off/],
    ];
    for (const [bad, expected] of cases) await expect(readJournal([zstdCompressSync(bad)])).rejects.toThrow(expected);
    const bomb = zstdCompressSync(Buffer.alloc(100_000_000));
    expect(bomb.length).toBeLessThan(100_000);
    await expect(readJournal([bomb])).rejects.toThrow("it is larger than 64 MB");
    const { damage } = await readJournal([zstdCompressSync(BEGIN), bomb]);
    expect(damage).toBe("it is larger than 64 MB");
    const many = await readJournal([zstdCompressSync(BEGIN + "V".repeat(2_000_001))]);
    expect(many.damage).toBe("it holds too many records");
    const text = `{"filename":1,"__proto__":{"kind":"module"}}`;
    const source = await readJournal([zstdCompressSync(`${BEGIN}R${text.length}:${text}0:`)]);
    expect(source.damage).toBe("it holds a source that cannot be read");
  });
});
