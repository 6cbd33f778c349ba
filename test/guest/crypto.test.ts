import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { expectSame } from "./compare.ts";
import { createGuest, type Guest } from "./guest-harness.ts";

let guest: Guest;
beforeEach(async () => {
  guest = await createGuest({ exposeInternals: true });
});
afterEach(() => guest.close());

describe("crypto.randomUUID()", () => {
  it("gives version 4 UUIDs, each its own", async () => {
    const uuids = (await guest.run(`Array.from({ length: 500 }, () => crypto.randomUUID()).join()`)).split(",");
    expect(new Set(uuids).size).toBe(500);
    for (const uuid of uuids) expect(uuid).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  });

  it("asks the host once for 128 of them", async () => {
    await guest.run(`for (let i = 0; i < 128; i++) crypto.randomUUID()`);
    expect(guest.output.calls["random_bytes"]).toBe(1);
    await guest.run(`crypto.randomUUID()`);
    expect(guest.output.calls["random_bytes"]).toBe(2);
  });
});

describe("crypto.getRandomValues()", () => {
  it.each([
    `const a = new Uint8Array(1000); return [crypto.getRandomValues(a) === a, a.some((x) => x !== 0), a.length]`,
    `return crypto.getRandomValues(new BigUint64Array(2)).length`,
    `return crypto.getRandomValues(new Int32Array(0)).length`,
    `return crypto.getRandomValues(new Uint8Array(65536)).length`,
    `return crypto.getRandomValues(new Float64Array(1))`,
    `return crypto.getRandomValues(new DataView(new ArrayBuffer(1)))`,
    `return crypto.getRandomValues([1])`,
    `return crypto.getRandomValues(new Uint8Array(65537))`,
    `const whole = new Uint8Array(8); crypto.getRandomValues(whole.subarray(2, 6)); return [whole[0], whole[1], whole[6], whole[7]]`,
  ])("behaves as Node's: %s", async (code) => {
    await expectSame(guest, `try { return await (async () => { ${code} })() } catch (e) { return e.name }`);
  });

  it("fills the array with bytes of every value", async () => {
    const seen = await guest.run(`new Set(crypto.getRandomValues(new Uint8Array(20000))).size`);
    expect(seen).toBe("256");
  });
});

describe("performance", () => {
  it("counts milliseconds from the engine's start", async () => {
    expect(await guest.run(`const a = performance.now(); a >= 0 && performance.now() >= a && a % 1 !== 0`)).toBe(
      "true",
    );
    expect(await guest.run(`Math.abs(performance.timeOrigin + performance.now() - Date.now()) < 1000`)).toBe("true");
  });
});
