import { describe, expect, it, vi } from "vitest";
import { ProcessRealm } from "../../src/sandbox/process-realm.ts";
import type { RealmFailure } from "../../src/sandbox/realm.ts";
import { spawned } from "./fake-children.ts";
import { StubBridge } from "./realm-fixture.ts";

vi.mock(import("../../src/sandbox/child.ts"), async (original) => ({
  ...(await original()),
  takeChild: (await import("./fake-children.ts")).takeFakeChild,
}));

/** Ops that answer, whatever the frame; a real host's never throw either. */
class PatientBridge extends StubBridge {
  override call(frame: string): string {
    return frame === "long" ? "x".repeat(1e6) : '{"ok":true}';
  }
}

async function lieTo(lie: string): Promise<{ realm: ProcessRealm; failure: RealmFailure | undefined }> {
  spawned.lie = lie;
  const realm = await ProcessRealm.create(new PatientBridge(), { memoryMB: 64 });
  const failure = await realm.run(
    { code: "1", filename: "file:///script.js", kind: "classic", lineOffset: 0, token: 1 },
    { timeoutMs: 100_000 },
  );
  return { realm, failure };
}

async function end(realm: ProcessRealm): Promise<void> {
  realm.dispose();
  const child = spawned.children.pop()!;
  await expect.poll(() => child.process.exitCode !== null || child.process.signalCode !== null).toBe(true);
}

describe("a child that lies", () => {
  it.each([
    "an unknown type",
    "a message of the parent's",
    "a call without a frame",
    "a giant length",
    "a head longer than its message",
    "lengths that do not add up",
    "a negative length",
    "bytes that are not JSON",
    "noise",
    "half a message, then nothing",
    "an exit",
    "an error of ten megabytes",
    "a question while it waits",
    "questions whose answers it does not read",
    "the end of the next turn",
    "the end of a turn far ahead",
    "the end of a turn long over",
    "the closing of its talk",
    "the closing of all pipes",
  ])("is killed for %s, and the parent goes on", async (lie) => {
    const { realm, failure } = await lieTo(lie);
    expect(failure).toEqual({ kind: "crashed" });
    expect(realm.disposed).toBe(true);
    expect(await realm.invoke({ text: "[1]" })).toEqual({ kind: "crashed" });
    await end(realm);
  });

  it.each(["negative CPU time", "CPU time that is not a number", "a call that is no frame", "data that are null"])(
    "gains nothing by %s",
    async (lie) => {
      const { realm, failure } = await lieTo(lie);
      expect(failure).toBeUndefined();
      expect(realm.disposed).toBe(false);
      expect(realm.stats()).toEqual({ cpuMs: 0 });
      await end(realm);
    },
  );

  it.each(["an end said twice", "notes after its turn"])("is killed for %s, when its turn has counted", async (lie) => {
    const { realm, failure } = await lieTo(lie);
    expect(failure).toBeUndefined();
    await expect.poll(() => realm.disposed).toBe(true);
    await end(realm);
  });

  it("is killed when it says twice that it is ready", async () => {
    const { realm, failure } = await lieTo("ready twice");
    expect(failure).toEqual({ kind: "crashed" });
    await end(realm);
  });

  it("sends notes without end and is ended in time, while the parent serves others", async () => {
    spawned.lie = "notes without end";
    const realm = await ProcessRealm.create(new PatientBridge(), { memoryMB: 64 });
    const memory = process.memoryUsage.rss();
    const running = realm.invoke({ text: "[1]" }, { timeoutMs: 300 });
    let turns = 0;
    const counting = setInterval(() => turns++, 5);
    expect(await running).toEqual({ kind: "timeout" });
    clearInterval(counting);
    expect(turns).toBeGreaterThan(5);
    expect(process.memoryUsage.rss() - memory).toBeLessThan(64e6);
    await end(realm);
  });

  it("that tells the end of turns which it does not read is killed before much lies unread", async () => {
    spawned.lie = "turns that it does not read";
    const realm = await ProcessRealm.create(new PatientBridge(), { memoryMB: 64 });
    const text = `["${"x".repeat(4e6)}"]`;
    let sent = 0;
    let failure: RealmFailure | undefined;
    for (; failure === undefined && sent < 100; sent++) failure = await realm.invoke({ text });
    expect(failure).toEqual({ kind: "crashed" });
    expect(sent * text.length).toBeLessThan(80e6);
    await end(realm);
  });

  it.each(["failures of no kind", "a failure that is no object"])("has only crashed when it claims %s", async (lie) => {
    const { realm, failure } = await lieTo(lie);
    expect(failure).toEqual({ kind: "crashed" });
    await end(realm);
  });

  it("gets a record made of whatever it calls an error", async () => {
    const { realm, failure } = await lieTo("an error that is no record");
    expect(failure).toEqual({ kind: "thrown", error: { name: "Error", message: "" } });
    await end(realm);
    const long = await lieTo("an error of half a megabyte");
    expect((long.failure as { error: { message: string } }).error.message.length).toBeLessThan(20_000);
    await end(long.realm);
  });

  it("may say itself that it ran out of memory", async () => {
    const { realm, failure } = await lieTo("a memory report");
    expect(failure).toEqual({ kind: "memory" });
    await end(realm);
  });
});
