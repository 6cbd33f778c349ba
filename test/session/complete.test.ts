import { describe, expect, it } from "vitest";
import { ISOLATIONS } from "../engine/engine-harness.ts";
import { withSession } from "./session-fixture.ts";

describe.each(ISOLATIONS)("session.complete() with isolation by %s", (isolation) => {
  it("finds globals, what was declared, and members along prototypes", () =>
    withSession({ isolation }, async ({ session, value }) => {
      await value(
        "const declared = { own: { inner: 1 }, method() {} }; let declared2; class Base { base() {} }; class Sub extends Base { sub() {} }; var sub = new Sub()",
      );
      expect(await session.complete([], "declar")).toEqual(["declared", "declared2"]);
      expect(await session.complete([], "Conversa")).toEqual(["Conversation"]);
      expect(await session.complete(["declared"], "")).toEqual(
        expect.arrayContaining(["own", "method", "hasOwnProperty"]),
      );
      expect(await session.complete(["declared", "own"], "in")).toEqual(["inner"]);
      expect(await session.complete(["sub"], "")).toEqual(expect.arrayContaining(["sub", "base", "constructor"]));
      expect(await session.complete(["console"], "lo")).toEqual(["log"]);
      await value(
        "var text = 'a', number = 1, nothing = null, big = new Uint8Array(1e6), list = new Array(1e6).fill(0)",
      );
      expect(await session.complete(["text"], "toUpper")).toEqual(["toUpperCase"]);
      expect(await session.complete(["number"], "toFix")).toEqual(["toFixed"]);
      expect(await session.complete(["nothing"], "")).toEqual([]);
      expect(await session.complete(["big"], "subar")).toEqual(["subarray"]);
      expect(await session.complete(["list"], "flatM")).toEqual(["flatMap"]);
      expect(await session.complete(["nowhere", "at"], "")).toEqual([]);
      expect(await session.complete([], "geppetto")).toEqual([]);
    }));

  it("runs no getter and no trap, and takes no name from a prototype that a script has changed", () =>
    withSession({ isolation }, async ({ session, value, output }) => {
      await value(`
        const say = (what) => { console.log(what); return { inside: 1 } };
        const getter = { get secret() { return say("getter") }, plain: 1 };
        const traps = new Proxy({}, { get: () => say("get"), has: () => say("has"), ownKeys: () => { say("keys"); return [] },
          getOwnPropertyDescriptor: () => { say("descriptor") }, getPrototypeOf: () => { say("prototype"); return null } });
        const revocable = Proxy.revocable({}, { ownKeys: () => { say("keys"); return [] } });
        const revoked = Proxy.revocable({}, {}); revoked.revoke();
        const child = Object.create(traps);
        Object.defineProperty(globalThis, "loud", { get: () => say("global"), configurable: true });
        const isProxy = traps instanceof Object; 0
      `);
      output.out = "";
      expect(await session.complete(["getter"], "")).toEqual(expect.arrayContaining(["secret", "plain"]));
      for (const path of [
        ["getter", "secret"],
        ["traps"],
        ["traps", "x"],
        ["revocable", "proxy"],
        ["revoked", "proxy"],
        ["child"],
        ["loud"],
      ]) {
        await session.complete(path, "");
      }
      expect(output.out).toBe("");
      await value(
        "String.prototype.startsWith = () => { console.log('poisoned'); return true }; Array.prototype.push = null; 0",
      );
      expect(await session.complete(["getter"], "pla")).toEqual(["plain"]);
      expect(output.out).toBe("");
    }));

  it("gives nothing while code runs, nor after the end", () =>
    withSession({ isolation }, async ({ session }) => {
      const running = session.run("await new Promise((done) => setTimeout(done, 20)); const later = 1");
      expect(await session.complete([], "")).toEqual([]);
      await running;
      expect(await session.complete([], "lat")).toEqual(["later"]);
      await session.close();
      expect(await session.complete([], "lat")).toEqual([]);
    }));
});
