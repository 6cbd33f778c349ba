import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { JournalRecorder } from "../../src/journal/journal-recorder.ts";
import {
  JOURNAL_VERSION,
  MAX_JOURNAL_RECORDS,
  type JournalFacts,
  type JournalRecord,
} from "../../src/journal/journal-record.ts";
import { readJournal } from "../../src/journal/read-journal.ts";
import { mayHoldSecrets, redactSecrets } from "../../src/recordings/redact-secrets.ts";
import { pieceText, type Frame, type Piece, type PieceShape } from "../../src/shared/frames.ts";

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

/** Pieces of text of two runs, of which one is told at once. */
const SHAPES: readonly PieceShape[] = ["", ',"wantsAck":true'].map((end, id) => [
  `[1,"event_deliver","${id}",{"type":"partial","seq":`,
  ',"time":',
  ',"delta":',
  `,"isPiece":true${end}}]`,
]);

function pieceFrame(piece: Piece): Frame {
  return { text: pieceText(piece), piece };
}

function pieceOf(delta: string, seq: number, time = 1_796_068_228_465): Frame {
  return pieceFrame({ shape: SHAPES[0]!, seq, time, delta: JSON.stringify(delta) });
}

const text = fc.string({ unit: "grapheme" });
const frame = fc.oneof(
  text.map((value) => ({ text: value })),
  fc
    .record({
      shape: fc.constantFrom(...SHAPES),
      seq: fc.nat(3),
      time: fc.constantFrom(-5, 1_796_068_228_465),
      delta: text.map((value) => JSON.stringify(value)),
    })
    .map(pieceFrame),
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

/** What is read of a frame: its text, and what belongs to it. */
function asRead(record: JournalRecord): JournalRecord {
  if (record.kind !== "entry" && record.kind !== "answer") return record;
  const { piece: _, ...frame } = record.frame;
  return { ...record, frame };
}

/** What was handed over: times are the recorder's own. */
function withoutTimes(records: readonly JournalRecord[]): JournalRecord[] {
  return records.filter(({ kind }) => kind !== "time");
}

describe("A journal", () => {
  it("says when what crossed did so", async () => {
    const { recorder, chunks } = recorderWith();
    const before = Date.now();
    recorder.note("first");
    await expect.poll(() => Date.now()).toBeGreaterThan(before + 1);
    recorder.note("second");
    await recorder.close({ exitCode: 0 });
    const { records } = await readJournal(chunks);
    expect(records.map(({ kind }) => kind)).toEqual(["time", "note", "time", "note"]);
    const [first, second] = records.flatMap((record) => (record.kind === "time" ? [record.ms] : []));
    expect(first).toBeGreaterThanOrEqual(before);
    expect(second).toBeGreaterThan(first!);
    expect(second).toBeLessThanOrEqual(Date.now());
  });

  it("holds what it was given, in order, whatever the texts are", () =>
    fc.assert(
      fc.asyncProperty(fc.array(RECORD, { maxLength: 30 }), async (records) => {
        const { recorder, chunks } = recorderWith();
        feed(recorder, records);
        await recorder.close({ exitCode: 3, signal: "SIGINT", told: { usage: 1 } });
        const read = await readJournal(chunks);
        expect(withoutTimes(read.records)).toEqual(records.map(asRead));
        expect([read.facts, read.end]).toEqual([FACTS, { exitCode: 3, signal: "SIGINT", told: { usage: 1 } }]);
      }),
    ));

  it("holds texts of any length, also while others are being kept", async () => {
    const lengths = [0, 9, 10, 99, 100, 16_384, 16_385, 87_000, 262_143, 262_144, 262_145, 700_000];
    const letters = ["x", "ä", "€", "💬", "sk-abcdefghij0123456789 "];
    const texts = letters.flatMap((letter) =>
      lengths.map((length) => letter.repeat(Math.ceil(length / letter.length))),
    );
    const kept = Array.from({ length: 5 }, () => recorderWith());
    const given = kept.map((_, i) => [...texts.slice(i), ...texts.slice(0, i), ...texts]);
    for (let n = 0; n < given[0]!.length; n++) {
      for (const [i, { recorder }] of kept.entries()) recorder.said(given[i]![n]!);
      if (n % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    for (const [i, { recorder, chunks }] of kept.entries()) {
      await recorder.close({ exitCode: 0 });
      const { records } = await readJournal(chunks);
      const clean = given[i]!.map((text) => ({ kind: "said", text: redactSecrets(text, "") }));
      expect(records.length).toBe(clean.length);
      for (const [n, record] of records.entries()) expect(record).toEqual(clean[n]);
    }
  });

  it("holds a note that is told again and again once", async () => {
    const { recorder, chunks } = recorderWith();
    for (let i = 0; i < 3; i++) feed(recorder, [{ kind: "note", text: "x".repeat(1000) }, { kind: "event" }]);
    await recorder.close({ exitCode: 0 });
    expect(zstdDecompressSync(chunks[0]!).toString()).toMatch(/N1000:x{1000}VnVnVZ14:/);
    expect((await readJournal(chunks)).records.filter(({ kind }) => kind === "note")).toHaveLength(3);
  });

  it("holds of a piece of text what differs from the one before", async () => {
    const { recorder, chunks } = recorderWith();
    const given = [...Array(100).keys()].map((n) => pieceOf("word ", n, n < 50 ? 7 : 8));
    for (const frame of [...given, pieceOf("again ", 5, 8)]) recorder.entry(frame);
    await recorder.close({ exitCode: 0 });
    const written = zstdDecompressSync(chunks[0]!).toString();
    const before = (seq: number, time: number): string => {
      const json = JSON.stringify([...SHAPES[0]!, seq, time]);
      return `P${json.length}:${json}`;
    };
    expect(written.slice(BEGIN.length)).toBe(
      `${before(0, 7)}${'p7:"word "'.repeat(50)}t1:8${'p7:"word "'.repeat(50)}${before(5, 8)}p8:"again "Z14:{"exitCode":0}`,
    );
    const { records } = await readJournal(chunks);
    expect(records).toEqual(
      [...given, pieceOf("again ", 5, 8)].map(({ text: whole }) => ({ kind: "entry", frame: { text: whole } })),
    );
  });

  it("counts pieces of text as what they are when they are read", async () => {
    const { recorder, chunks, failures } = recorderWith({ maxBytes: 1_000_000 });
    const count = Math.floor(1_000_000 / pieceOf("x", 1000).text.length);
    for (let n = 0; n < count * 0.9; n++) recorder.entry(pieceOf("x", n));
    expect(failures).toEqual([]);
    for (let n = 0; n < count * 0.1; n++) recorder.entry(pieceOf("x", n));
    expect(failures).toEqual(["journal larger than 1 MB"]);
    await recorder.close({ exitCode: 0 });
    const kept = recorderWith();
    for (let n = 0; n < count; n++) kept.recorder.entry(pieceOf("x", n));
    await kept.recorder.close({ exitCode: 0 });
    expect((await readJournal(kept.chunks, { maxBytes: 1_200_000 })).damage).toBeUndefined();
    expect((await readJournal(kept.chunks, { maxBytes: 900_000 })).damage).toBe("it is larger than 64 MB");
    expect(chunks).toEqual([]);
  });

  it("is one part for a short run and several for a long one, none of which waits for the end", async () => {
    const { recorder, chunks } = recorderWith();
    for (let i = 0; i < 20_000; i++) recorder.note(`[1,"timer_start",{"id":${i},"ms":5}]`);
    await expect.poll(() => chunks.length).toBeGreaterThan(1);
    await recorder.close({ exitCode: 0 });
    const { records } = await readJournal(chunks);
    expect(withoutTimes(records)).toHaveLength(20_000);
  });

  it("is given up when it grows larger than it may, and the run is told why, once", async () => {
    const { recorder, chunks, failures } = recorderWith({ maxBytes: 1_000_000 });
    recorder.note("x".repeat(300_000));
    await expect.poll(() => chunks.length).toBe(1);
    for (let i = 0; i < 30; i++) recorder.note(String(i).repeat(100_000));
    await recorder.close({ exitCode: 0 });
    expect(failures).toEqual(["journal larger than 1 MB"]);
    expect(recorder.failure).toBe("journal larger than 1 MB");
    const { end, damage, records: all } = await readJournal(chunks);
    const records = withoutTimes(all);
    expect([end, damage, records.length]).toEqual([undefined, "it breaks off", 1]);
  });

  it("is given up when it has more records than are read, and as many are read", async () => {
    const full = recorderWith();
    for (let i = 0; i < MAX_JOURNAL_RECORDS; i++) full.recorder.event();
    await full.recorder.close({ exitCode: 0 });
    const { end, damage, records } = await readJournal(full.chunks);
    expect([end, damage, records.length]).toEqual([{ exitCode: 0 }, undefined, MAX_JOURNAL_RECORDS]);
    const { recorder, failures } = recorderWith();
    for (let i = 0; i <= MAX_JOURNAL_RECORDS; i++) recorder.event();
    await recorder.close({ exitCode: 0 });
    expect(failures).toEqual(["journal larger than 2 million records"]);
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
    recorder.entry(pieceOf(`the key is\n${key}`, 1));
    recorder.entry(pieceOf("not said", 2));
    await recorder.close({ exitCode: 0, told: { key } });
    const { records: all, end } = await readJournal(chunks);
    const records = withoutTimes(all);
    expect(JSON.stringify([records, end])).not.toContain("abcdefghij");
    expect(records[0]).toEqual({
      kind: "entry",
      frame: { text: JSON.stringify([1, "script_begin", { env: { a: "x\n[redacted]" } }]) },
    });
    expect(records[3]).toEqual({ kind: "note", text: '[1,"console_write",{"text":"nothing"}]' });
    expect(records.slice(5)).toEqual(
      [pieceOf("the key is\n[redacted]", 1), pieceOf("not said", 2)].map((frame) => asRead({ kind: "entry", frame })),
    );
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
    const newer = JSON.stringify({ ...FACTS, format: JOURNAL_VERSION + 1, something: "else" });
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
    const badPieces = [
      "p1:1",
      "t1:5",
      "P2:[]",
      "P1:{",
      'P21:["a","b","c","d",1.5]',
      'P19:["a","b","c",4,1,1]',
      "P4:null",
    ];
    const around = JSON.stringify(["a", "b", "c", "d", 1, 1]);
    for (const written of [...badPieces, `P${around.length}:${around}t0:`, `P${around.length}:${around}t2:1x`]) {
      const { damage, records } = await readJournal([zstdCompressSync(BEGIN + written)]);
      expect([written, damage, records]).toEqual([written, "it holds a piece of text that cannot be read", []]);
    }
    const long = JSON.stringify(["x".repeat(1_000_000), "", "", "", 1, 1]);
    const grown = await readJournal([zstdCompressSync(`${BEGIN}P${long.length}:${long}${"p0:".repeat(100)}`)]);
    expect([grown.damage, grown.records.length]).toEqual(["it is larger than 64 MB", 62]);
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
