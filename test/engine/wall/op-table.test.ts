import { describe, expect, it } from "vitest";
import { GeppettoError } from "../../../src/shared/errors.ts";
import { MAX_FRAME_CHARS } from "../../../src/shared/frames.ts";
import { settle, unheardDuring } from "../../base/settle.ts";
import { frameOf, OpTableFixture } from "./op-table-fixture.ts";

describe("an op that is served", () => {
  it("at once, answers a call", () => {
    const ops = new OpTableFixture();
    ops.serve("double", "sync", (args) => (args as number) * 2);
    expect(ops.call("double", 21)).toEqual({ ok: true, value: 42 });
  });

  it("at once, knows the length of its frame", () => {
    const ops = new OpTableFixture();
    ops.serve("length", "sync", (_, { chars }) => chars);
    expect(ops.call("length", "abc")).toEqual({ ok: true, value: frameOf("length", "abc").length });
  });

  it("counts for more than the length of its frame where that takes much memory", () => {
    const ops = new OpTableFixture();
    ops.serve("length", "sync", (_, { chars }) => chars);
    const lists = Array.from({ length: 1000 }, () => []);
    const { value } = ops.call("length", lists) as { value: number };
    expect(value).toBeGreaterThan(2 * frameOf("length", lists).length);
  });

  it("as a note, is not answered", () => {
    const ops = new OpTableFixture();
    const heard: unknown[] = [];
    ops.serve("write", "note", (args) => void heard.push(args));
    ops.note("write", "a");
    // More than may be under way as notes come as calls.
    expect(ops.call("write", "b")).toMatchObject({ ok: true });
    expect(heard).toEqual(["a", "b"]);
  });

  it.each(["call", "note"] as const)("later, settles under its id what was begun by a %s", async (way) => {
    const ops = new OpTableFixture();
    ops.serve("later", "async", async (args) => [args]);
    ops[way]("later", 1, 7);
    expect(ops.settled).toEqual([]);
    await settle();
    expect(ops.settled).toEqual([[7, { ok: true, value: [1] }]]);
  });

  it("at once, but sent with an id, is settled like one that is served later", async () => {
    const ops = new OpTableFixture();
    ops.serve("write", "note", () => {});
    expect(ops.call("write", "a", 7)).toEqual({ ok: true });
    await settle();
    expect(ops.settled).toEqual([[7, { ok: true, value: undefined }]]);
  });

  it.each(["sync", "async", "blocking"] as const)(
    "to a guest that waits with its thread, where its mode is %s",
    async (mode) => {
      const ops = new OpTableFixture();
      ops.serve("double", mode, (args) => (args as number) * 2);
      expect(await ops.callBlocking("double", 21)).toEqual({ ok: true, value: 42 });
      expect(ops.table.pending).toBe(0);
    },
  );

  it("to a guest that waits, hands vectors over beside the text", async () => {
    const ops = new OpTableFixture();
    ops.serve("vector", "blocking", async () => new Float32Array([1, 2]));
    const { text, buffers } = await ops.table.callBlocking(frameOf("vector", {}));
    expect(text).not.toContain("[1,2]");
    expect(buffers).toHaveLength(1);
    expect(await ops.callBlocking("vector")).toEqual({ ok: true, value: new Float32Array([1, 2]) });
  });

  it("has a name of its own", () => {
    const ops = new OpTableFixture();
    ops.serve("double", "sync", () => 1);
    expect(() => ops.serve("double", "async", () => 2)).toThrow('Cannot register the op "double": it exists already');
  });
});

describe("an op that fails", () => {
  const fail = (): never => {
    throw new GeppettoError("ValidationError", "no such order", { code: "ERR_ORDER" });
  };
  const failure = { ok: false, error: { name: "ValidationError", message: "no such order", code: "ERR_ORDER" } };

  it("answers a call with the record of its error, and the record is kept", () => {
    const ops = new OpTableFixture();
    ops.serve("find", "sync", fail);
    expect(ops.call("find")).toMatchObject(failure);
    expect(ops.errors).toMatchObject([failure.error]);
  });

  it.each([
    ["throws", fail],
    ["rejects", async () => fail()],
  ])("settles with it where it %s", async (_, handler) => {
    const ops = new OpTableFixture();
    ops.serve("find", "async", handler);
    ops.call("find", {}, 1);
    await settle();
    expect(ops.settled).toMatchObject([[1, failure]]);
    expect(await ops.callBlocking("find")).toMatchObject(failure);
    expect(ops.errors).toHaveLength(2);
  });

  it("as a note, fails for nobody but is recorded", () => {
    const ops = new OpTableFixture();
    ops.serve("write", "note", fail);
    ops.note("write");
    expect(ops.errors).toMatchObject([failure.error]);
  });

  it("says what cannot cross of its answer", async () => {
    const ops = new OpTableFixture();
    const cyclic: unknown[] = [];
    cyclic.push(cyclic);
    ops.serve("sync", "sync", () => cyclic);
    ops.serve("async", "async", async () => cyclic);
    const refused = {
      ok: false,
      error: { message: expect.stringMatching(/^Cannot copy a value that refers to itself/) },
    };
    expect(ops.call("sync")).toMatchObject(refused);
    ops.call("async", {}, 1);
    await settle();
    expect(ops.settled).toMatchObject([[1, refused]]);
    expect(await ops.callBlocking("async")).toMatchObject(refused);
    expect(ops.errors).toHaveLength(3);
  });

  it.each(["message", "cause", "name"])("answers although its error has a %s without end", async (part) => {
    const ops = new OpTableFixture();
    ops.serve("find", "async", () => {
      const long = "x".repeat(MAX_FRAME_CHARS + 1);
      let error: Error = new GeppettoError("StepError", part === "message" ? long : "no such order");
      if (part === "name") error = Object.assign(new Error("no such order"), { name: long });
      for (let i = 0; i < 1000 && part === "cause"; i++)
        error = new GeppettoError("StepError", "outer", { cause: error });
      throw error;
    });
    ops.serve("now", "sync", () => {
      throw new Error("x".repeat(MAX_FRAME_CHARS + 1));
    });
    ops.call("find", {}, 1);
    await settle();
    for (const outcome of [ops.settled[0]![1], await ops.callBlocking("find"), ops.call("now")]) {
      expect(outcome.ok).toBe(false);
      expect(JSON.stringify(outcome).length).toBeLessThan(20_000);
    }
  });

  it.each(["sync", "note"] as const)(
    "by answering a promise, though its mode is %s, fails as it does",
    async (mode) => {
      const ops = new OpTableFixture();
      ops.serve("find", mode, () => Promise.reject(new Error("boom")));
      const message = "Cannot answer a synchronous op with a promise: make its mode async or blocking";
      const rejections = await unheardDuring(() => {
        expect(ops.call("find")).toMatchObject({ ok: false, error: { name: "ConfigError", message } });
        ops.note("find");
      });
      expect(ops.errors).toMatchObject([{ message }, { message }]);
      expect(rejections).toEqual([]);
    },
  );
});

describe("a frame", () => {
  it.each([
    ["is not JSON", "nonsense"],
    ["is not a list", '{"op":"double"}'],
    ["has another version", '[2,"double",1]'],
    ["has too few parts", '[1,"double"]'],
    ["has too many parts", '[1,"double",1,2,3,4]'],
    ["names no op", "[1,7,1]"],
    ["names an unknown op", '[1,"triple",1]'],
    ["names what an object inherits", '[1,"constructor",1]'],
    ["has an object without a text as its name", '[1,{"toString":1},1]'],
    ["has 0 as its call id", '[1,"later",1,0]'],
    ["has a negative call id", '[1,"later",1,-1]'],
    ["has a text as its call id", '[1,"later",1,"7"]'],
    ["has a tag that is not one", '[1,"double",{"$":"nonsense"}]'],
    ["is too long", `[1,"double","${"x".repeat(MAX_FRAME_CHARS * 2)}"]`],
  ])("that %s is refused by each way, and serves nothing", async (_, frame) => {
    const ops = new OpTableFixture();
    let count = 0;
    ops.serve("double", "sync", () => count++);
    ops.serve("later", "async", () => count++);
    ops.table.note(frame);
    const { text } = await ops.table.callBlocking(frame);
    for (const answer of [ops.table.call(frame), text]) expect(JSON.parse(answer)).toMatchObject({ ok: false });
    expect(ops.errors).toHaveLength(3);
    expect([count, ops.table.pending]).toEqual([0, 0]);
  });

  it("that calls an asynchronous op, and does not wait, is refused", () => {
    const ops = new OpTableFixture();
    let count = 0;
    ops.serve("later", "async", () => count++);
    ops.serve("wait", "blocking", () => count++);
    const message = "Cannot call an asynchronous op synchronously";
    expect(ops.call("later")).toMatchObject({ ok: false, error: { message } });
    expect(ops.call("wait")).toMatchObject({ ok: false, error: { message } });
    ops.note("later");
    expect(ops.errors).toMatchObject([{ message }, { message }, { message }]);
    expect(count).toBe(0);
  });
});
