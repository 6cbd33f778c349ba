import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MemoryPubSub, type Message, type Subscription } from "../../src/events/index.ts";

/** One subscription with what it is to get and what it has got. */
interface Watched {
  topic: string;
  window: number;
  subscription: Subscription<number>;
  expected: number[];
  firsts: number[];
  underWay: Message<number>[];
  most: number;
  isOpen: boolean;
}

type Action =
  | { do: "publish"; topic: number }
  | { do: "subscribe"; topic: number; window: number }
  | { do: "ack" | "nack"; which: number; message: number }
  | { do: "close"; which: number };

const TOPICS = ["step.a", "step.b", "step.*"];
const nat = (max: number): fc.Arbitrary<number> => fc.nat({ max });
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("publish"), topic: nat(1) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("subscribe"), topic: nat(2), window: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom("ack", "nack"), which: nat(5), message: nat(5) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("close"), which: nat(5) }) },
);

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function check(actions: readonly Action[]): Promise<void> {
  const bus = new MemoryPubSub();
  const all: Watched[] = [];
  let published = 0;
  let settled = 0;
  let serial = 0;
  /** The topic of each value: order is promised within a topic, not between those that one pattern covers. */
  const topicOf: string[] = [];

  const open = (topic: string, window: number): void => {
    const subscription = bus.subscribe<number>(topic, { maxMessages: window });
    const watched: Watched = {
      topic,
      window,
      subscription,
      expected: [],
      firsts: [],
      underWay: [],
      most: 0,
      isOpen: true,
    };
    all.push(watched);
    void (async () => {
      for await (const message of subscription) {
        if (message.deliveries === 1) watched.firsts.push(message.payload);
        watched.underWay.push(message);
        watched.most = Math.max(watched.most, watched.underWay.length);
      }
    })();
  };

  for (const step of actions) {
    if (step.do === "publish") {
      const topic = TOPICS[step.topic]!;
      const value = serial++;
      topicOf.push(topic);
      published++;
      // Whoever is there when there is room for it gets it: here, all who are there now and stay.
      for (const watched of all)
        if (watched.isOpen && (watched.topic === topic || watched.topic === "step.*")) watched.expected.push(value);
      void bus.publish(topic, value).then(() => settled++);
    } else if (step.do === "subscribe") {
      // A subscription that comes while messages wait gets those too: it is left out of the model by letting them through.
      await drain(all);
      open(TOPICS[step.topic]!, step.window);
    } else {
      const watched = all[step.which % Math.max(1, all.length)];
      if (watched === undefined) continue;
      if (step.do === "close") {
        watched.subscription.close();
        watched.isOpen = false;
      } else {
        const [message] = watched.underWay.splice(step.message % Math.max(1, watched.underWay.length), 1);
        if (step.do === "ack") message?.ack();
        else message?.nack();
      }
    }
    await turn();
  }
  await drain(all);
  expect(settled).toBe(published);
  for (const { isOpen, expected, firsts, most, window, subscription } of all) {
    expect(most).toBeLessThanOrEqual(window);
    // What was delivered came in order; to those who stayed, all of it.
    for (const topic of ["step.a", "step.b"]) {
      const got = firsts.filter((value) => topicOf[value] === topic);
      const due = expected.filter((value) => topicOf[value] === topic);
      const own = due.slice(0, got.length);
      if (isOpen) expect(got).toEqual(due);
      else expect(got.filter((value) => own.includes(value))).toEqual(own.filter((value) => got.includes(value)));
    }
    subscription.close();
  }
  expect(bus.topics()).toEqual([]);
}

/** Acks until nothing is under way any more. */
async function drain(all: readonly Watched[]): Promise<void> {
  for (let quiet = 0; quiet < 3; quiet++) {
    for (const { underWay } of all) {
      for (const message of underWay.splice(0)) {
        message.ack();
        quiet = 0;
      }
    }
    await turn();
  }
}

describe("MemoryPubSub under any sequence of publishing, subscribing, acks, nacks and closes", () => {
  it("delivers everything in order within the windows, lets every publisher go on, and leaves no topic", async () => {
    await fc.assert(fc.asyncProperty(fc.array(action, { maxLength: 60 }), check), { numRuns: 150 });
  });
});
