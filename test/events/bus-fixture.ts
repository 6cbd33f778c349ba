import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Bus } from "../../src/events/bus.ts";

/** What an implementation promises beyond what all of them do. */
export interface BusPromises {
  /** `publish` waits while a subscription has no room, and resolves when it has. */
  backPressure: boolean;
  /** `PublishOptions.bytes` counts against the window. */
  byteWindow: boolean;
  /** The payload arrives as the very value that was published. */
  samePayload: boolean;
  /** What was nacked comes before what was published after it and has not been delivered. */
  ordersRedeliveries: boolean;
  /** Subscriptions of a group share the messages. */
  groups: boolean;
  /** A group gets what was published while none of it was there. */
  durableGroups: boolean;
  /** After the server was killed and is back, everything goes on. */
  reconnects: boolean;
  /** What was published, or is being published, when the server is killed is not lost. */
  survivesServer: boolean;
  /** A message that is not acked in time comes again. */
  ackDeadline: boolean;
}

export interface BusFixture {
  promises: BusPromises;
  create(): Promise<Bus> | Bus;
  /** Another bus that is connected with what `create` makes; default the same. */
  createPeer?(): Promise<Bus>;
  /** Long enough for whatever can go on without an ack. */
  settleMs: number;
  /** Kills the server with SIGKILL and starts it again on what it left, after a pause. */
  restartServer?(pauseMs: number): Promise<void>;
  /** Runs before each test. */
  reset?(): Promise<void>;
}

/** Waits until a value is what it should come to, and then whether it stays so while more might come. */
export async function expectToStay(fixture: BusFixture, read: () => unknown, expected: unknown): Promise<void> {
  await expect.poll(read).toEqual(expected);
  await sleep(fixture.settleMs);
  expect(read()).toEqual(expected);
}

/** `it` where the implementation promises this; elsewhere the report says that it does not. */
export function promised(promises: BusPromises, promise: keyof BusPromises) {
  return (name: string, test: () => Promise<void>): void => {
    if (promises[promise]) it(name, test);
    else it.skip(`${name} [not promised: ${promise}]`, test);
  };
}

/** Makes buses that are closed after the test. */
export function busMaker(fixture: BusFixture): { create(): Promise<Bus>; createPeer(bus: Bus): Promise<Bus> } {
  const made = new Set<Bus>();
  beforeEach(async () => fixture.reset?.());
  afterEach(async () => {
    await Promise.all([...made].map(async (bus) => bus.close()));
    made.clear();
  });
  return {
    async create() {
      const bus = await fixture.create();
      made.add(bus);
      return bus;
    },
    async createPeer(bus) {
      const peer = (await fixture.createPeer?.()) ?? bus;
      made.add(peer);
      return peer;
    },
  };
}
