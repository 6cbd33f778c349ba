import { describe, expect, it } from "vitest";
import { GuestMailbox } from "../../../src/engine/run/guest-mailbox.ts";
import type { WaitAnswer } from "../../../src/shared/contract/runs.ts";
import { settle } from "../../base/settle.ts";

const callOf = (callId: number, args: unknown = 1): WaitAnswer => ({ call: { callId, name: "tool", args } });
const last: WaitAnswer = { event: { type: "final", seq: 1, time: 1 } };

async function isIdle(mailbox: GuestMailbox): Promise<boolean> {
  return Promise.race([mailbox.idle().then(() => true), settle().then(() => false)]);
}

describe("a mailbox", () => {
  it("tells what it was told in that order, one thing each time", async () => {
    const mailbox = new GuestMailbox();
    for (const answer of [callOf(1), callOf(2), last]) mailbox.tell(answer);
    expect([await mailbox.next(), await mailbox.next(), await mailbox.next()]).toEqual([callOf(1), callOf(2), last]);
  });

  it("has a guest wait until there is something to tell", async () => {
    const mailbox = new GuestMailbox();
    for (const answer of [callOf(1), last]) {
      const next = mailbox.next();
      await settle();
      mailbox.tell(answer);
      expect(await next).toEqual(answer);
    }
  });

  it("is idle, each time, when the guest has been told all", async () => {
    const mailbox = new GuestMailbox();
    for (const answer of [callOf(1), last]) {
      expect(await isIdle(mailbox)).toBe(true);
      mailbox.tell(answer);
      expect(await isIdle(mailbox)).toBe(false);
      await mailbox.next();
    }
    expect(await isIdle(mailbox)).toBe(true);
  });

  it("is idle when it is closed, whatever there is to tell", async () => {
    const mailbox = new GuestMailbox();
    mailbox.tell(last);
    const idle = mailbox.idle();
    mailbox.close();
    await idle;
    expect(await isIdle(mailbox)).toBe(true);
  });

  it("tells nothing of a call that was withdrawn", async () => {
    const mailbox = new GuestMailbox();
    for (const answer of [callOf(1), callOf(2), last]) mailbox.tell(answer);
    for (const callId of [2, 99]) mailbox.withdraw(callId);
    expect([await mailbox.next(), await mailbox.next()]).toEqual([callOf(1), last]);
    mailbox.tell(callOf(3));
    const idle = mailbox.idle();
    mailbox.withdraw(3);
    await idle;
  });

  it("refuses at once what cannot cross", async () => {
    const mailbox = new GuestMailbox();
    const cyclic: unknown[] = [];
    cyclic.push(cyclic);
    expect(() => mailbox.tell(callOf(1, cyclic))).toThrow("Cannot copy a value");
    expect(await isIdle(mailbox)).toBe(true);
  });
});
