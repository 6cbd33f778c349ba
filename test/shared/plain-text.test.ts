import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toFrame, toSettleFrame } from "../../src/engine/entry-queue.ts";
import { encodeValue } from "../../src/shared/codec.ts";
import { FRAMES } from "../../src/shared/contract/frame-kinds.ts";
import { encodeList, plainText } from "../../src/shared/plain-text.ts";

const plain = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: false }),
  fc.constantFrom(0, -0, NaN, Infinity, 1e21, 1e-7),
  fc.string({ unit: "binary", maxLength: 30 }),
  fc.constantFrom("\ud800", '"$":', "x".repeat(2000)),
  fc.boolean(),
  fc.constant(null),
);
const value = fc.oneof(plain, fc.constant(undefined), fc.bigInt(), fc.date(), fc.dictionary(fc.string(), plain));

describe("plainText()", () => {
  it("makes the text that encodeValue() makes, or none", () => {
    fc.assert(fc.property(value, (given) => [undefined, encodeValue(given)].includes(plainText(given))));
    expect([7, "a", true, null].map(plainText)).toEqual(["7", '"a"', "true", "null"]);
    expect([-0, NaN, undefined, 7n, {}, []].map(plainText)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe("encodeList()", () => {
  it("makes the text that encodeValue() makes", () =>
    fc.assert(
      fc.property(fc.array(value, { maxLength: 6 }), (list) => {
        expect(encodeList(list)).toBe(encodeValue(list));
      }),
    ));
});

describe("toSettleFrame()", () => {
  it("makes the frame that toFrame() makes", () =>
    fc.assert(
      fc.property(fc.nat(), value, (callId, answer) => {
        const outcome = { ok: true, value: answer } as const;
        expect(toSettleFrame(callId, outcome)).toEqual(toFrame(FRAMES.call_settle, [callId, outcome], "omit"));
      }),
    ));
});
