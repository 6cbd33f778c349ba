import { describe, expect, it } from "vitest";
import { createCarrier, GuestCalls } from "../../../src/engine/run/guest-calls.ts";
import { GuestMailbox } from "../../../src/engine/run/guest-mailbox.ts";
import { FRAMES } from "../../../src/shared/contract/frame-kinds.ts";
import { DELIVERY, type Delivery } from "../../../src/shared/contract/runs.ts";
import { settle, unheardDuring } from "../../base/settle.ts";
import { QueueFixture } from "../wall/fake-realm.ts";

const { signal: patient } = new AbortController();

class CallsFixture extends QueueFixture {
  readonly mailbox: GuestMailbox = new GuestMailbox();
  readonly calls: GuestCalls;

  constructor(delivery: Delivery) {
    super();
    this.calls = new GuestCalls(createCarrier(delivery, { id: "run-1", queue: this.queue, mailbox: this.mailbox }));
  }
}

describe.each([DELIVERY.every, DELIVERY.pulled, DELIVERY.last])("a call of a guest that gets %s", (delivery) => {
  it("enters the guest, and gives what the guest answers when that turn is over", async () => {
    const { calls, realm } = new CallsFixture(delivery);
    const answer = calls.call("tool clock", { zone: "UTC" }, patient);
    expect(realm.entries).toEqual([[1, FRAMES.run_call.name, "run-1", 1, "tool clock", { zone: "UTC" }]]);
    calls.answer(1, { ok: true, value: "noon" });
    expect(await Promise.race([answer, settle()])).toBeUndefined();
    realm.turns[0]!.end();
    expect(await answer).toBe("noon");
  });

  it("may be answered long after its turn, and in any order", async () => {
    const { calls, realm } = new CallsFixture(delivery);
    const answers = ["a", "b"].map((name) => calls.call(name, 1, patient));
    for (const turn of realm.turns.slice()) turn.end();
    await settle();
    calls.answer(2, { ok: true, value: "second" });
    calls.answer(1, { ok: true, value: "first" });
    expect(await Promise.all(answers)).toEqual(["first", "second"]);
  });

  it("is rejected at once by an abort, whether its turn is over or not, and the guest is told", async () => {
    const { calls, realm } = new CallsFixture(delivery);
    const controller = new AbortController();
    const answer = calls.call("tool", 1, controller.signal);
    controller.abort(new Error("enough"));
    await expect(answer).rejects.toThrow("enough");
    expect(realm.turns).toHaveLength(2);
    expect(realm.entries[1]).toEqual([1, FRAMES.run_abort.name, "run-1", 1]);
  });
});

describe("a call that a guest makes by itself", () => {
  const begun = (): { calls: GuestCalls; realm: QueueFixture["realm"] } => {
    const { queue, realm } = new QueueFixture();
    const mailbox = new GuestMailbox();
    return { calls: new GuestCalls(createCarrier(DELIVERY.last, { id: "run-1", queue, mailbox }), true), realm };
  };

  it("does not enter the guest, and gives what the guest has answered before it was asked for", async () => {
    const { calls, realm } = begun();
    calls.answer(1, { ok: true, value: "early" });
    expect(await calls.call("body", [], patient)).toBe("early");
    expect(realm.entries).toEqual([]);
  });

  it("is the first one only", async () => {
    const { calls, realm } = begun();
    const first = calls.call("body", [], patient);
    void calls.call("tool", [], patient);
    expect(realm.entries).toEqual([[1, FRAMES.run_call.name, "run-1", 2, "tool", []]]);
    calls.answer(1, { ok: true, value: "late" });
    expect(await first).toBe("late");
  });

  it("fails unheard where the run has ended before it asked", async () => {
    const unheard = await unheardDuring(async () => {
      begun().calls.answer(1, { ok: false, error: { name: "Error", message: "nobody asked" } });
      await settle();
    });
    expect(unheard).toEqual([]);
  });
});

describe("a call of a guest that waits", () => {
  it("is what the guest is told next", async () => {
    const { calls, mailbox, realm } = new CallsFixture(DELIVERY.waited);
    const answer = calls.call("tool", [1], patient);
    expect(await mailbox.next()).toEqual({ call: { callId: 1, name: "tool", args: [1] } });
    calls.answer(1, { ok: true, value: 2 });
    expect(await answer).toBe(2);
    expect(realm.entries).toEqual([]);
  });

  it("is not told any more once it was aborted", async () => {
    const { calls, mailbox } = new CallsFixture(DELIVERY.waited);
    const controller = new AbortController();
    const aborted = calls.call("first", 1, controller.signal);
    const other = calls.call("second", 1, patient);
    controller.abort(new Error("enough"));
    await expect(aborted).rejects.toThrow("enough");
    expect((await mailbox.next()).call?.name).toBe("second");
    calls.answer(2, { ok: true, value: 2 });
    expect(await other).toBe(2);
  });
});

describe.each([DELIVERY.every, DELIVERY.waited])("calls of a guest that gets %s", (delivery) => {
  it("are rejected with the record of what the guest threw", async () => {
    const { calls, realm } = new CallsFixture(delivery);
    const answer = calls.call("tool", 1, patient);
    realm.turns[0]?.end();
    const error = { name: "Error", message: "boom", code: "ERR_X" };
    calls.answer(1, { ok: false, error });
    await expect(answer).rejects.toMatchObject({ message: "boom", record: error });
  });

  it("ignore an answer that nobody waits for", async () => {
    const { calls, realm } = new CallsFixture(delivery);
    const controller = new AbortController();
    const aborted = calls.call("tool", 1, controller.signal);
    controller.abort(new Error("enough"));
    await expect(aborted).rejects.toThrow("enough");
    const other = calls.call("tool", 1, patient);
    for (const turn of realm.turns.slice()) turn.end();
    const failure = { ok: false as const, error: { name: "Error", message: "late" } };
    const rejections = await unheardDuring(() => {
      for (const callId of [1, 3, NaN]) calls.answer(callId, failure);
    });
    expect(rejections).toEqual([]);
    calls.answer(2, { ok: true, value: "mine" });
    calls.answer(2, failure);
    expect(await other).toBe("mine");
  });

  it("are not made where the run has been aborted", async () => {
    const { calls, realm, mailbox } = new CallsFixture(delivery);
    await expect(calls.call("tool", 1, AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
    expect(realm.entries).toEqual([]);
    await mailbox.idle();
  });

  it("are rejected where the arguments cannot cross", async () => {
    const { calls } = new CallsFixture(delivery);
    const cyclic: unknown[] = [];
    cyclic.push(cyclic);
    await expect(calls.call("tool", cyclic, patient)).rejects.toThrow("Cannot copy a value");
  });
});
