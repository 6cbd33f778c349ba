import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventWindow } from "../../../src/engine/run/event-window.ts";
import { settle } from "../../base/settle.ts";

const MAX_EVENTS = 64;
const MAX_BYTES = 256_000;

/** A window whose events are numbered, and consumed in order when the test says so. */
class WindowFixture {
  readonly sent: number[] = [];
  readonly admitted: number[] = [];
  readonly underWay: number[] = [];
  #count = 0;
  readonly window: EventWindow<number> = new EventWindow((number, bytes) => {
    this.sent.push(number);
    this.underWay.push(bytes);
  });

  add(bytes: number): Promise<void> | undefined {
    const number = this.#count++;
    const admitted = this.window.add(number, bytes);
    void admitted?.then(() => this.admitted.push(number));
    return admitted;
  }

  consume(): void {
    const bytes = this.underWay.shift();
    if (bytes !== undefined) this.window.consumed(bytes);
  }

  get bytes(): number {
    return this.underWay.reduce((sum, bytes) => sum + bytes, 0);
  }
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe("an event window", () => {
  it("lets 64 events go, and one more for each that is consumed", async () => {
    const fixture = new WindowFixture();
    for (const _ of numbers(MAX_EVENTS)) expect(fixture.add(1)).toBeUndefined();
    expect(fixture.add(1)).toBeInstanceOf(Promise);
    void fixture.add(1);
    expect(fixture.sent).toEqual(numbers(64));
    fixture.consume();
    expect(fixture.sent).toEqual(numbers(65));
    await settle();
    expect(fixture.admitted).toEqual([64]);
  });

  it("lets 256,000 bytes go", () => {
    const fixture = new WindowFixture();
    expect(fixture.add(MAX_BYTES - 1)).toBeUndefined();
    expect(fixture.add(1)).toBeUndefined();
    expect(fixture.add(1)).toBeInstanceOf(Promise);
    fixture.consume();
    expect(fixture.sent).toEqual([0, 1, 2]);
  });

  it("lets one event go whatever its size, and none beside it", () => {
    const fixture = new WindowFixture();
    expect(fixture.add(10 * MAX_BYTES)).toBeUndefined();
    void fixture.add(0);
    void fixture.add(10 * MAX_BYTES);
    expect(fixture.sent).toEqual([0]);
    fixture.consume();
    expect(fixture.sent).toEqual([0, 1]);
    fixture.consume();
    expect(fixture.sent).toEqual([0, 1, 2]);
  });

  it("does not let a small event overtake a large one", () => {
    const fixture = new WindowFixture();
    void fixture.add(1);
    void fixture.add(MAX_BYTES);
    expect(fixture.add(1)).toBeInstanceOf(Promise);
    expect(fixture.sent).toEqual([0]);
  });

  it("never has more under way than it may, keeps the order, and lets all go in the end", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            { weight: 3, arbitrary: fc.oneof(fc.nat(100), fc.nat(MAX_BYTES), fc.nat(2 * MAX_BYTES)) },
            { weight: 2, arbitrary: fc.constant("consume") },
          ),
          { maxLength: 300 },
        ),
        async (acts) => {
          const fixture = new WindowFixture();
          const check = (): void => {
            expect(fixture.underWay.length).toBeLessThanOrEqual(MAX_EVENTS);
            if (fixture.underWay.length > 1) expect(fixture.bytes).toBeLessThanOrEqual(MAX_BYTES);
          };
          let count = 0;
          let waited = 0;
          for (const act of acts) {
            if (act === "consume") fixture.consume();
            else {
              count++;
              if (fixture.add(act) !== undefined) waited++;
            }
            check();
          }
          const idle = fixture.window.idle();
          while (fixture.underWay.length > 0) {
            fixture.consume();
            check();
          }
          await idle;
          await settle();
          expect(fixture.sent).toEqual(numbers(count));
          expect(fixture.admitted).toHaveLength(waited);
          expect(fixture.admitted).toEqual(fixture.admitted.toSorted((a, b) => a - b));
        },
      ),
    ));
});

describe("idle()", () => {
  it("resolves at once where nothing is under way", async () => {
    await new WindowFixture().window.idle();
  });

  it("resolves, each time, when all has been consumed, what waits included", async () => {
    const fixture = new WindowFixture();
    for (const _ of [1, 2]) {
      void fixture.add(MAX_BYTES);
      void fixture.add(MAX_BYTES);
      let isIdle = false;
      const idle = fixture.window.idle().then(() => (isIdle = true));
      fixture.consume();
      await settle();
      expect(isIdle).toBe(false);
      fixture.consume();
      await idle;
    }
  });
});

describe("close()", () => {
  it("lets those who wait go on, and what they wait to send is for nobody", async () => {
    const fixture = new WindowFixture();
    void fixture.add(MAX_BYTES);
    const admitted = fixture.add(1);
    const idle = fixture.window.idle();
    fixture.window.close();
    await Promise.all([admitted, idle, fixture.window.idle()]);
    expect(fixture.add(1)).toBeUndefined();
    fixture.consume();
    expect(fixture.sent).toEqual([0]);
  });
});
