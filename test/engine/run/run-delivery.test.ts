import { describe, expect, it } from "vitest";
import { GuestMailbox } from "../../../src/engine/run/guest-mailbox.ts";
import { createDelivery, type RunDelivery } from "../../../src/engine/run/run-delivery.ts";
import { FRAMES } from "../../../src/shared/contract/frame-kinds.ts";
import { DELIVERY, type Delivery } from "../../../src/shared/contract/runs.ts";
import type { EventFrame } from "../../../src/shared/step-events.ts";
import { settle } from "../../base/settle.ts";
import { QueueFixture } from "../wall/fake-realm.ts";

const BYTES = 100;

const eventOf = (seq: number, fields: Partial<EventFrame> = {}): EventFrame => ({
  type: "partial",
  seq,
  time: 1,
  ...fields,
});

class DeliveryFixture extends QueueFixture {
  readonly mailbox: GuestMailbox = new GuestMailbox();
  readonly delivery: RunDelivery;
  changes = 0;

  constructor(kind: Delivery) {
    super();
    const onChange = (): void => void this.changes++;
    this.delivery = createDelivery(kind, { id: "run-1", queue: this.queue, mailbox: this.mailbox, onChange });
  }

  send(seq: number, bytes = BYTES): Promise<void> | undefined {
    return this.delivery.send(eventOf(seq), bytes);
  }

  /** The numbers of the events that have gone in so far. */
  get seqs(): number[] {
    return this.realm.entries.map(([, , , event]) => (event as EventFrame).seq);
  }

  /** Ends the turn that has been under way longest. */
  async endTurn(): Promise<void> {
    this.realm.turns[0]!.end();
    await settle();
  }

  async isIdle(): Promise<boolean> {
    return Promise.race([this.delivery.idle().then(() => true), settle().then(() => false)]);
  }
}

describe.each([DELIVERY.every, DELIVERY.last])("the delivery of %s", (kind) => {
  it("enters the guest with each event, its vectors beside it and its functions left out", () => {
    const { delivery, realm } = new DeliveryFixture(kind);
    void delivery.send(eventOf(3, { result: [new Float32Array([1]), { f() {} }] }), BYTES);
    const event = eventOf(3, { result: [new Float32Array([1]), {}] });
    expect(realm.entries).toEqual([[1, FRAMES.event_deliver.name, "run-1", event]]);
  });

  it("takes the end of the turn for the event's having been taken", async () => {
    const fixture = new DeliveryFixture(kind);
    expect(fixture.send(0)).toBeUndefined();
    expect(await fixture.isIdle()).toBe(false);
    await fixture.endTurn();
    expect(await fixture.isIdle()).toBe(true);
  });

  it("pipelines 64 events, and the others wait for a turn to end", async () => {
    const fixture = new DeliveryFixture(kind);
    for (let seq = 0; seq < 64; seq++) expect(fixture.send(seq)).toBeUndefined();
    const admitted = fixture.send(64);
    expect(fixture.seqs).toHaveLength(64);
    await fixture.endTurn();
    await admitted;
    expect(fixture.seqs).toEqual(Array.from({ length: 65 }, (_, i) => i));
  });

  it("may wake the guest, and takes no acks", async () => {
    const fixture = new DeliveryFixture(kind);
    void fixture.send(0);
    fixture.delivery.ack(1);
    fixture.delivery.stopPulling();
    expect([await fixture.isIdle(), fixture.delivery.mayWake]).toEqual([false, true]);
    expect(fixture.delivery.lastOnly).toBe(kind === DELIVERY.last);
  });

  it("refuses at once what cannot cross", async () => {
    const fixture = new DeliveryFixture(kind);
    const cyclic: unknown[] = [];
    cyclic.push(cyclic);
    expect(() => fixture.delivery.send(eventOf(0, { result: cyclic }), BYTES)).toThrow("Cannot copy a value");
    expect([fixture.seqs, await fixture.isIdle()]).toEqual([[], true]);
  });
});

describe("the delivery of events that the guest pulls", () => {
  it("takes an event for taken when the guest says so", async () => {
    const fixture = new DeliveryFixture(DELIVERY.pulled);
    void fixture.send(0);
    void fixture.send(1);
    await fixture.endTurn();
    await fixture.endTurn();
    expect(await fixture.isIdle()).toBe(false);
    fixture.delivery.ack(1);
    expect(await fixture.isIdle()).toBe(false);
    fixture.delivery.ack(1);
    expect(await fixture.isIdle()).toBe(true);
  });

  it("lets the next events go when the guest has taken some", async () => {
    const fixture = new DeliveryFixture(DELIVERY.pulled);
    for (let seq = 0; seq < 64; seq++) expect(fixture.send(seq)).toBeUndefined();
    const admitted = fixture.send(64);
    await fixture.endTurn();
    expect(fixture.seqs).toHaveLength(64);
    fixture.delivery.ack(1);
    await admitted;
    expect(fixture.seqs).toHaveLength(65);
  });

  it("wakes nobody while the guest has events that it was not asked for", async () => {
    const fixture = new DeliveryFixture(DELIVERY.pulled);
    const { delivery } = fixture;
    expect(delivery.mayWake).toBe(true);
    void fixture.send(0);
    expect(delivery.mayWake).toBe(true);
    await fixture.endTurn();
    expect([delivery.mayWake, fixture.changes]).toEqual([false, 1]);
    delivery.ack(1);
    expect([delivery.mayWake, fixture.changes]).toEqual([true, 2]);
  });

  it("goes by what the guest says even where it says it before its turn is over", async () => {
    const fixture = new DeliveryFixture(DELIVERY.pulled);
    void fixture.send(0);
    fixture.delivery.ack(1);
    expect(await fixture.isIdle()).toBe(true);
    fixture.delivery.stopPulling();
    await fixture.endTurn();
    void fixture.send(1);
    expect(await fixture.isIdle()).toBe(false);
  });

  it.each([0, -1, NaN, 0.5])("takes %s events for none", async (count) => {
    const fixture = new DeliveryFixture(DELIVERY.pulled);
    void fixture.send(0);
    await fixture.endTurn();
    fixture.delivery.ack(count);
    expect(await fixture.isIdle()).toBe(false);
  });

  it("takes more events than there are for all of them, and no more", async () => {
    const fixture = new DeliveryFixture(DELIVERY.pulled);
    void fixture.send(0);
    fixture.delivery.ack(100);
    expect(await fixture.isIdle()).toBe(true);
    for (let seq = 1; seq <= 64; seq++) expect(fixture.send(seq)).toBeUndefined();
    expect(fixture.send(65)).toBeInstanceOf(Promise);
  });

  it("takes each event for taken when it has arrived, and not before, once the guest pulls no more", async () => {
    const fixture = new DeliveryFixture(DELIVERY.pulled);
    for (const seq of [0, 1]) void fixture.send(seq);
    await fixture.endTurn();
    fixture.delivery.stopPulling();
    for (const seq of [1, 2]) {
      if (seq === 2) void fixture.send(seq);
      expect(await fixture.isIdle()).toBe(false);
      await fixture.endTurn();
      expect([await fixture.isIdle(), fixture.delivery.mayWake]).toEqual([true, true]);
    }
  });
});

describe("the acks of a guest that pulls", () => {
  const asked = [1, FRAMES.acks_now.name, "run-1"];
  const wanted = ({ realm }: DeliveryFixture): (true | undefined)[] =>
    realm.entries.map(([, , , event]) => (event as EventFrame | undefined)?.wantsAck);

  it("are wanted at once of an event that is under way alone, and of others together", async () => {
    const fixture = new DeliveryFixture(DELIVERY.pulled);
    for (const seq of [0, 1, 2]) void fixture.send(seq);
    fixture.delivery.ack(3);
    void fixture.send(3);
    expect(wanted(fixture)).toEqual([true, undefined, undefined, true]);
    for (let i = 0; i < 4; i++) await fixture.endTurn();
    expect(fixture.realm.entries).toHaveLength(4);
  });

  it("are asked for when no turn is under way and some are owed", async () => {
    const fixture = new DeliveryFixture(DELIVERY.pulled);
    for (const seq of [0, 1]) void fixture.send(seq);
    await fixture.endTurn();
    fixture.delivery.ack(1);
    expect(fixture.realm.entries).toHaveLength(2);
    await fixture.endTurn();
    expect(fixture.realm.entries.slice(2)).toEqual([asked]);
    await fixture.endTurn();
    expect(fixture.realm.entries).toHaveLength(3);
  });

  it("are asked for again of events that had waited for room", async () => {
    const fixture = new DeliveryFixture(DELIVERY.pulled);
    for (let seq = 0; seq <= 64; seq++) void fixture.send(seq);
    for (let seq = 0; seq < 64; seq++) await fixture.endTurn();
    expect(fixture.realm.entries.slice(64)).toEqual([asked]);
    fixture.delivery.ack(64);
    await fixture.endTurn();
    await fixture.endTurn();
    expect(fixture.realm.entries.slice(64)).toEqual([asked, expect.anything(), asked]);
  });

  it("are wanted at once after 64 kB", () => {
    const fixture = new DeliveryFixture(DELIVERY.pulled);
    for (let seq = 0; seq < 4; seq++) void fixture.send(seq, 40_000);
    expect(wanted(fixture)).toEqual([true, undefined, true, undefined]);
  });
});

describe("the delivery to a guest that waits", () => {
  it("answers with the event, and has been taken when the guest has asked", async () => {
    const fixture = new DeliveryFixture(DELIVERY.waited);
    expect(fixture.send(5)).toBeUndefined();
    expect(await fixture.isIdle()).toBe(false);
    expect(await fixture.mailbox.next()).toEqual({ event: eventOf(5) });
    expect(await fixture.isIdle()).toBe(true);
    expect([fixture.seqs, fixture.delivery.lastOnly, fixture.delivery.mayWake]).toEqual([[], true, true]);
  });

  it("refuses what cannot cross while that is still the run's failure, and nothing else", async () => {
    const { delivery, mailbox } = new DeliveryFixture(DELIVERY.waited);
    const cyclic: unknown[] = [];
    cyclic.push(cyclic);
    expect(() => delivery.send(eventOf(0, { result: cyclic }), BYTES)).toThrow("Cannot copy a value");
    void delivery.send(eventOf(1, { result: { f() {} } }), BYTES);
    expect((await mailbox.next()).event?.seq).toBe(1);
  });
});

describe.each(Object.values(DELIVERY))("close() of the delivery of %s", (kind) => {
  it("waits for nobody any more", async () => {
    const fixture = new DeliveryFixture(kind);
    for (let seq = 0; seq < 64; seq++) void fixture.send(seq);
    const admitted = fixture.send(64);
    const idle = fixture.delivery.idle();
    fixture.delivery.close();
    await Promise.all([admitted, idle]);
    expect(await fixture.isIdle()).toBe(true);
  });
});
