import { EventEmitter } from "node:events";
import { PassThrough } from "node:stream";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { FramePipe } from "../../../src/sandbox/frame-pipe.ts";
import { encodeMessage, MESSAGE, type MessageType } from "../../../src/sandbox/message.ts";
import { ProcessRealm } from "../../../src/sandbox/process-realm.ts";
import type { HostBridge, RealmFailure } from "../../../src/sandbox/realm.ts";
import { fuzzBudget, FUZZ_TIMEOUT_MS } from "./fuzz-budget.ts";

/** A child that is nothing but pipes: the test says what it says. */
const pipes = vi.hoisted((): { talk: PassThrough | undefined; isOver: boolean } => ({
  talk: undefined,
  isOver: false,
}));

vi.mock(import("../../../src/sandbox/child.ts"), async (original) => ({
  ...(await original()),
  setReferenced: () => {},
  takeChild: () => {
    const [stdin, stderr, talk] = [new PassThrough(), new PassThrough(), new PassThrough()];
    // What the parent answers is for nobody: it must not come back as the child's words.
    talk.write = () => true;
    pipes.talk = talk;
    // Those that are tried after the one that has ended end at once.
    if (pipes.isOver) talk.push(null);
    stdin.resume();
    const child = Object.assign(new EventEmitter(), { pid: process.pid, kill: () => true, ref() {}, unref() {} });
    return { process: child, stdin, stderr, talk } as never;
  },
}));

const bridge: HostBridge = {
  call: () => '{"ok":true}',
  note: () => {},
  callBlocking: () => Promise.resolve({ text: '{"ok":true}' }),
};

const json = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown);
const failure = fc.record(
  {
    kind: fc.constantFrom("thrown", "load", "timeout", "memory", "disposed", "crashed", "x"),
    error: fc.oneof(json, fc.record({ name: json, message: json, stack: json }, { requiredKeys: [] })),
  },
  { requiredKeys: [] },
);

/** Messages of the right form that say anything. */
const message = fc
  .record({
    type: fc.oneof(
      fc.constantFrom(...Object.values(MESSAGE)),
      fc.nat(255).map((type) => type as MessageType),
    ),
    id: fc.oneof(fc.nat(4), fc.nat(2 ** 32 - 1)),
    data: fc.oneof(json, fc.record({ failure: fc.oneof(failure, json), cpuMs: json }, { requiredKeys: [] })),
    text: fc.option(fc.string({ unit: "binary", maxLength: 40 }), { nil: undefined }),
  })
  .map(({ type, id, data, text }) =>
    encodeMessage(text === undefined ? { type, id, data } : { type, id, data, frame: { text } }),
  );

const changed = fc
  .tuple(message, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.option(fc.nat(), { nil: undefined }))
  .map(([bytes, changes, cut]) => {
    const copy = Buffer.from(bytes);
    for (const [at, to] of changes) copy[at % copy.length] = to;
    return cut === undefined ? copy : copy.subarray(0, cut % copy.length);
  });

const bytes = fc.oneof(
  { weight: 4, arbitrary: message },
  { weight: 4, arbitrary: changed },
  fc.uint8Array({ maxLength: 200 }).map((given) => Buffer.from(given)),
);

const KINDS = ["thrown", "load", "timeout", "memory", "disposed", "crashed"];

function expectFailure(failed: RealmFailure | undefined): void {
  if (failed === undefined) return;
  expect(KINDS).toContain(failed.kind);
  if (failed.kind !== "thrown" && failed.kind !== "load") return;
  expect([typeof failed.error.name, typeof failed.error.message]).toEqual(["string", "string"]);
  expect(failed.error.message.length).toBeLessThan(20_000);
}

const handOn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("a process realm whose child says arbitrary bytes", () => {
  it("ends or goes on, answers every call, and never throws", { timeout: FUZZ_TIMEOUT_MS }, () =>
    fc.assert(
      fc.asyncProperty(fc.array(bytes, { maxLength: 12 }), fc.boolean(), async (said, ready) => {
        pipes.isOver = false;
        const creating = ProcessRealm.create(bridge, { memoryMB: 10_000 }).then(
          (made) => made,
          (error: unknown) => error,
        );
        const talk = pipes.talk!;
        if (ready) talk.push(encodeMessage({ type: MESSAGE.ready, id: 1 }));
        await handOn();
        const early = ready ? ((await creating) as ProcessRealm) : undefined;
        const turns = early === undefined ? [] : [early.invoke({ text: "[1]" }), early.invoke({ text: "[1]" })];
        for (const part of said) talk.push(part);
        await handOn();
        pipes.isOver = true;
        talk.push(null);
        // Bytes that are no message have ended the first child before.
        if (pipes.talk !== talk) pipes.talk!.push(null);
        for (const turn of turns) expectFailure(await turn);
        const made = await creating;
        if (made instanceof Error) expect(made.message).toContain("Cannot start a process");
        else expect(made).toBeInstanceOf(ProcessRealm);
        if (!(made instanceof ProcessRealm)) return;
        expectFailure(await made.invoke({ text: "[1]" }));
        expect(made.disposed).toBe(true);
        expect(made.stats().cpuMs).toBeGreaterThanOrEqual(0);
      }),
      fuzzBudget(1500),
    ),
  );
});

describe("FramePipe", () => {
  it("gives messages or ends, once, whatever the bytes and however they are cut", { timeout: FUZZ_TIMEOUT_MS }, () =>
    fc.assert(
      fc.asyncProperty(fc.array(bytes, { maxLength: 8 }), fc.integer({ min: 1, max: 50 }), async (said, step) => {
        const input = new PassThrough();
        let ends = 0;
        let after = 0;
        const pipe = new FramePipe(input, new PassThrough(), {
          onMessage: ({ type, id }) => {
            expect([typeof type, typeof id]).toEqual(["number", "number"]);
            if (ends > 0) after++;
          },
          onEnd: () => ends++,
        });
        const all = Buffer.concat(said);
        for (let at = 0; at < all.length; at += step) input.write(all.subarray(at, at + step));
        input.end();
        await handOn();
        await handOn();
        pipe.send({ type: MESSAGE.note, id: 1 });
        expect([ends, after]).toEqual([1, 0]);
      }),
      fuzzBudget(1000),
    ),
  );
});
