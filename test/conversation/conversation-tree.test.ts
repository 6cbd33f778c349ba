import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { TextMessage } from "../../src/shared/chat-messages.ts";
import { ConversationTree, copyPlain, timeToMs } from "../../src/shared/conversation-tree.ts";

const TIME = "2024-01-01T00:00:00Z";

function message(id: string, parentID: string): TextMessage {
  return { type: "chat-message", role: "user", text: id, id, parentID, time: TIME, lastUpdate: TIME, metadata: {} };
}

/** Each number picks the parent of the next message: an earlier one, none, or one that does not exist. */
const additions = fc.array(fc.integer({ min: -2, max: 30 }), { maxLength: 30 });

interface Grown {
  tree: ConversationTree;
  /** What the tree should know: the link of every message, by plain means. */
  parents: Map<string, string | undefined>;
}

function grow(choices: number[]): Grown {
  const tree = new ConversationTree();
  const parents = new Map<string, string | undefined>();
  const ids: string[] = [];
  for (const choice of choices) {
    const id = `m${ids.length}`;
    const last = ids.at(-1);
    const named = choice >= 0 && ids.length > 0 ? ids[choice % ids.length] : undefined;
    tree.add(message(id, named ?? (choice === -2 ? "elsewhere" : (last ?? ""))));
    parents.set(id, named ?? last);
    ids.push(id);
  }
  return { tree, parents };
}

function path(parents: Grown["parents"], leaf: string): string[] {
  const ids: string[] = [];
  for (let id: string | undefined = leaf; id !== undefined; id = parents.get(id)) ids.unshift(id);
  return ids;
}

const idsOf = (messages: { id: string }[]): string[] => messages.map(({ id }) => id);

describe("ConversationTree", () => {
  test("thread() is the path from the root to the message, whatever was added", () => {
    fc.assert(
      fc.property(additions, (choices) => {
        const { tree, parents } = grow(choices);
        for (const id of parents.keys()) expect(idsOf(tree.thread(id))).toEqual(path(parents, id));
        expect(idsOf(tree.thread())).toEqual(choices.length === 0 ? [] : path(parents, `m${choices.length - 1}`));
      }),
    );
  });

  test("children() lists what was added under a message, in order", () => {
    fc.assert(
      fc.property(additions, (choices) => {
        const { tree, parents } = grow(choices);
        for (const id of parents.keys()) {
          const children = [...parents].filter(([, parent]) => parent === id).map(([child]) => child);
          expect(idsOf(tree.children(id))).toEqual(children);
        }
      }),
    );
  });

  test("fork() holds the thread and is independent of the original, both ways", () => {
    fc.assert(
      fc.property(additions, fc.nat(), (choices, pick) => {
        fc.pre(choices.length > 0);
        const { tree } = grow(choices);
        const id = `m${pick % choices.length}`;
        const before = JSON.stringify(tree.snapshot());
        const thread = tree.thread(id);
        const copy = tree.fork(id);
        expect(copy.thread()).toEqual(thread);
        copy.updateMetadata(id, { changed: true }, TIME);
        copy.add(message("new", id));
        expect(JSON.stringify(tree.snapshot())).toBe(before);
        tree.updateMetadata(id, { changed: "here" }, TIME);
        expect(copy.get(id).metadata).toEqual({ changed: true });
      }),
    );
  });

  test("fromSnapshot() gives the same tree back, threads and snapshot", () => {
    fc.assert(
      fc.property(additions, (choices) => {
        const { tree, parents } = grow(choices);
        const copy = ConversationTree.fromSnapshot(JSON.parse(JSON.stringify(tree.snapshot())));
        expect(JSON.stringify(copy.snapshot())).toBe(JSON.stringify(tree.snapshot()));
        for (const id of parents.keys()) expect(copy.thread(id)).toEqual(tree.thread(id));
      }),
    );
  });

  test("fromSnapshot() keeps a current thread that is not the newest", () => {
    const { tree } = grow([-1, -1, 0]);
    const copy = ConversationTree.fromSnapshot({ ...tree.snapshot(), current: "m1" });
    expect(idsOf(copy.thread())).toEqual(["m0", "m1"]);
    expect(copy.snapshot().current).toBe("m1");
  });

  test("add() keeps a parentID that comes to name a later message", () => {
    const tree = new ConversationTree();
    tree.add(message("a", ""));
    tree.add(message("b", "c"));
    tree.add(message("c", "a"));
    const copy = ConversationTree.fromSnapshot(tree.snapshot());
    expect(idsOf(copy.thread("b"))).toEqual(["a", "b"]);
    expect(copy.get("b").parentID).toBe("c");
  });

  test("updateMetadata() leaves messages that were given out before as they were", () => {
    const { tree } = grow([-1]);
    const before = tree.get("m0");
    expect(tree.updateMetadata("m0", { a: 1 }, "2025-01-01T00:00:00Z")).toBe(true);
    expect(before.metadata).toEqual({});
    expect(tree.get("m0")).toMatchObject({ metadata: { a: 1 }, lastUpdate: "2025-01-01T00:00:00Z" });
    expect(tree.updateMetadata("m1", {}, TIME)).toBe(false);
  });

  test.each([
    [(tree: ConversationTree) => tree.add(message("m0", "")), 'the id "m0" is already taken by another message'],
    [(tree: ConversationTree) => tree.get("x"), 'no message has the id "x"'],
    [(tree: ConversationTree) => tree.fork("x"), 'no message has the id "x"'],
  ])("a failure is a ConversationError that names the id (%#)", (act, text) => {
    const { tree } = grow([-1]);
    expect(() => act(tree)).toThrow(expect.objectContaining({ name: "ConversationError", message: text }));
  });

  test("an empty tree has an empty thread, and no thread of its own for an id", () => {
    const tree = new ConversationTree();
    expect(tree.thread()).toEqual([]);
    expect(tree.fork().snapshot()).toEqual({ type: "conversation", current: "", messages: [] });
    expect(() => tree.thread("x")).toThrow("no message");
  });
});

describe("timeToMs()", () => {
  test("agrees with Date on every time that Date writes", () => {
    const date = fc.date({ min: new Date("0000-01-01T00:00:00Z"), max: new Date("9999-12-31T23:59:59Z") });
    fc.assert(
      fc.property(
        date.filter((d) => !Number.isNaN(d.getTime())),
        (d) => {
          expect(timeToMs(d.toISOString())).toBe(d.getTime());
        },
      ),
    );
  });

  test.each([
    ["1985-04-12t23:20:50.52z", Date.UTC(1985, 3, 12, 23, 20, 50, 520)],
    ["1996-12-19T16:39:57-08:00", Date.UTC(1996, 11, 20, 0, 39, 57)],
    ["1937-01-01T12:00:27.87+00:20", Date.UTC(1937, 0, 1, 11, 40, 27, 870)],
    ["2024-02-29T00:00:00.123456789Z", Date.UTC(2024, 1, 29, 0, 0, 0, 123)],
    ["2024-01-01T00:00:00-00:00", Date.UTC(2024, 0, 1)],
  ])("reads %s", (text, ms) => {
    expect(timeToMs(text)).toBe(ms);
  });

  test.each([
    "",
    "yesterday",
    "2024-01-01",
    "2024-01-01T00:00Z",
    "2024-01-01T00:00:00",
    "2024-01-01 00:00:00Z",
    "2024-01-01T00:00:00.Z",
    "2024-01-01T00:00:00+0100",
    "2024-01-01T00:00:00+24:00",
    "2024-02-30T00:00:00Z",
    "2023-02-29T00:00:00Z",
    "2024-13-01T00:00:00Z",
    "2024-00-01T00:00:00Z",
    "2024-01-01T24:00:00Z",
    "2024-12-31T23:59:60Z",
    "+02024-01-01T00:00:00Z",
    "2024-01-01T00:00:00Z\n",
    " 2024-01-01T00:00:00Z",
  ])("refuses %j", (text) => {
    expect(timeToMs(text)).toBeUndefined();
  });
});

describe("copyPlain()", () => {
  test("copies what JSON can carry, and shares nothing", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const copy = copyPlain(value, "value", Object.prototype);
        expect(JSON.stringify(copy)).toBe(JSON.stringify(value));
        if (typeof value === "object" && value !== null) expect(copy).not.toBe(value);
      }),
    );
  });

  test("keeps an own key named __proto__ an own key", () => {
    const copy = copyPlain(JSON.parse('{"__proto__":{"admin":true}}'), "value", Object.prototype) as {
      admin?: boolean;
    };
    expect(copy.admin).toBeUndefined();
    expect(JSON.stringify(copy)).toBe('{"__proto__":{"admin":true}}');
  });

  const circular: Record<string, unknown> = {};
  circular["self"] = { circular };

  test.each([
    [{ a: { f: () => 1 } }, "value.a.f must be plain data, got a function"],
    [{ a: [1, Symbol("x")] }, "value.a[1] must be plain data, got a symbol"],
    [{ a: NaN }, "value.a must be plain data, got NaN"],
    [{ a: 1n }, "value.a must be plain data, got a bigint"],
    [{ a: new Map() }, "value.a must be plain data, got an instance of a class"],
    [{ a: new Float32Array(1) }, "value.a must be plain data, got an instance of a class"],
  ])("refuses what is not plain and names its place (%#)", (value, text) => {
    expect(() => copyPlain(value, "value")).toThrow(text);
  });

  test("refuses a value that refers to itself, and a sparse giant, at once", () => {
    expect(() => copyPlain(circular, "value")).toThrow("refers to itself");
    const giant: unknown[] = [];
    giant.length = 2 ** 31;
    expect(() => copyPlain(giant, "value")).toThrow("elements");
  });
});
