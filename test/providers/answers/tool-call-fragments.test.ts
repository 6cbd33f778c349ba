import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type AnswerServer, chunk, DONE, finish, startAnswerServer, stream } from "./answer-server.ts";

interface Fragment {
  index?: number;
  id?: string | null | number;
  name?: string | null;
  args?: string | null | object;
}

/** One delta with these fragments; fields that are undefined are not sent. */
function delta(...fragments: Fragment[]): object {
  return chunk({
    tool_calls: fragments.map(({ index, id, name, args }) => ({
      index,
      id,
      type: "function",
      function: { name, arguments: args },
    })),
  });
}

const X1 = '{"x":1}';
const Y2 = '{"y":2}';

describe("tool calls in fragments", () => {
  let server: AnswerServer;
  beforeAll(async () => {
    server = await startAnswerServer();
  });
  afterAll(() => server.close());

  async function callsOf(...deltas: object[]): Promise<[string, unknown][]> {
    const got = await server.ask("chat", stream(...deltas, finish("tool_calls"), DONE));
    expect(got.error).toBeUndefined();
    const ids = got.calls.map(({ toolCall }) => toolCall.id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).not.toContain("");
    expect(got.end?.stopReason).toBe("tool-calls");
    return got.calls.map(({ toolCall: { name, input, inputText } }) => [name, input ?? inputText]);
  }

  const TWO: [string, unknown][] = [
    ["a", { x: 1 }],
    ["b", { y: 2 }],
  ];

  it.each<[string, object[]]>([
    ["without index, with empty ids", [delta({ id: "", name: "a", args: X1 }), delta({ id: "", name: "b", args: Y2 })]],
    [
      "without index, with null ids",
      [delta({ id: null, name: "a", args: X1 }), delta({ id: null, name: "b", args: Y2 })],
    ],
    ["without index and ids", [delta({ name: "a", args: X1 }), delta({ name: "b", args: Y2 })]],
    ["without index, in one delta", [delta({ name: "a", args: X1 }, { name: "b", args: Y2 })]],
    [
      "without index, with ids of their own",
      [delta({ id: "1", name: "a", args: X1 }), delta({ id: "2", name: "b", args: Y2 })],
    ],
    [
      "without index, with numbers as ids",
      [delta({ id: 1, name: "a", args: X1 }), delta({ id: 2, name: "b", args: Y2 })],
    ],
    [
      "all at index 0, without ids",
      [delta({ index: 0, name: "a", args: X1 }), delta({ index: 0, name: "b", args: Y2 })],
    ],
    [
      "all at index 0, in one delta",
      [delta({ index: 0, id: "", name: "a", args: X1 }, { index: 0, id: "", name: "b", args: Y2 })],
    ],
    [
      "all at index 0, with ids",
      [delta({ index: 0, id: "1", name: "a", args: X1 }), delta({ index: 0, id: "2", name: "b", args: Y2 })],
    ],
    [
      "all at index 0, with one id for all",
      [delta({ index: 0, id: "1", name: "a", args: X1 }), delta({ index: 0, id: "1", name: "b", args: Y2 })],
    ],
    [
      "at their own indices, with one id for all",
      [delta({ index: 0, id: "1", name: "a", args: X1 }), delta({ index: 1, id: "1", name: "b", args: Y2 })],
    ],
    ["with arguments as objects", [delta({ name: "a", args: { x: 1 } }), delta({ name: "b", args: { y: 2 } })]],
    [
      "interleaved by id, without index",
      [
        delta({ id: "1", name: "a", args: "" }),
        delta({ id: "2", name: "b", args: "" }),
        delta({ id: "1", args: X1 }),
        delta({ id: "2", args: Y2 }),
      ],
    ],
    [
      "interleaved by id, cut in the middle",
      [
        delta({ id: "1", name: "a", args: '{"x' }, { id: "2", name: "b", args: '{"y"' }),
        delta({ id: "2", args: ":2}" }),
        delta({ id: "1", args: '":1}' }),
      ],
    ],
    [
      "interleaved by id, all at index 0",
      [
        delta({ index: 0, id: "1", name: "a", args: "" }),
        delta({ index: 0, id: "2", name: "b", args: "" }),
        delta({ index: 0, id: "1", args: X1 }),
        delta({ index: 0, id: "2", args: Y2 }),
      ],
    ],
    [
      "with the name after the id",
      [
        delta({ id: "1" }),
        delta({ id: "1", name: "a", args: X1 }),
        delta({ id: "2" }),
        delta({ id: "2", name: "b", args: Y2 }),
      ],
    ],
    [
      "interleaved by index",
      [
        delta({ index: 1, id: "1", name: "a", args: '{"x"' }),
        delta({ index: 2, id: "2", name: "b", args: '{"y"' }),
        delta({ index: 1, args: ":1}" }),
        delta({ index: 2, args: ":2}" }),
      ],
    ],
    [
      "with the name again in each fragment",
      [
        delta({ index: 0, name: "a", args: '{"x"' }),
        delta({ index: 0, name: "a", args: ":1}" }),
        delta({ index: 0, name: "a", args: "" }),
        delta({ index: 1, name: "b", args: Y2 }),
      ],
    ],
    [
      "with an id of its own for each fragment",
      [
        delta({ index: 0, id: "1", name: "a", args: '{"x"' }),
        delta({ index: 0, id: "2", args: ":1}" }),
        delta({ index: 0, id: "3", args: "" }),
        delta({ index: 1, id: "4", name: "b", args: Y2 }),
      ],
    ],
    [
      "with the whole call once more at the end",
      [
        delta({ index: 0, id: "1", name: "a", args: '{"x"' }),
        delta({ index: 0, args: ":1}" }),
        delta({ index: 0, id: "1", name: "a", args: X1 }),
        delta({ index: 1, id: "2", name: "b", args: Y2 }),
      ],
    ],
    [
      "with the message once more at the end",
      [
        delta({ index: 0, id: "1", name: "a", args: X1 }, { index: 1, id: "2", name: "b", args: Y2 }),
        {
          choices: [
            {
              index: 0,
              message: {
                content: null,
                tool_calls: [
                  { id: "1", function: { name: "a", arguments: X1 } },
                  { id: "2", function: { name: "b", arguments: Y2 } },
                ],
              },
            },
          ],
        },
      ],
    ],
  ])("%s, come out as two calls", async (_, deltas) => {
    expect(await callsOf(...deltas)).toEqual(TWO);
  });

  it("of one tool, without identity, come out as two calls", async () => {
    const twice = [
      ["a", { x: 1 }],
      ["a", { x: 2 }],
    ];
    const second = '{"x":2}';
    for (const id of [undefined, "", null]) {
      for (const index of [undefined, 0]) {
        const [one, two] = [
          { ...(index === undefined ? {} : { index }), ...(id === undefined ? {} : { id }), name: "a", args: X1 },
          { ...(index === undefined ? {} : { index }), ...(id === undefined ? {} : { id }), name: "a", args: second },
        ];
        expect(await callsOf(delta(one), delta(two))).toEqual(twice);
        expect(await callsOf(delta(one, two))).toEqual(twice);
        const head = { ...one, args: "" };
        expect(await callsOf(delta(head), delta({ args: X1 }), delta(head), delta({ args: second }))).toEqual(twice);
      }
    }
  });

  it("without arguments come out with {}", async () => {
    expect(
      await callsOf(delta({ index: 0, id: "1", name: "a", args: "" }, { index: 1, id: "2", name: "b", args: null })),
    ).toEqual([
      ["a", {}],
      ["b", {}],
    ]);
    expect(await callsOf(delta({ name: "a", args: {} }), delta({ name: "a", args: {} }))).toEqual([
      ["a", {}],
      ["a", {}],
    ]);
  });

  it("in the legacy field come out as a call", async () => {
    expect(
      await callsOf(
        chunk({ function_call: { name: "a", arguments: '{"x"' } }),
        chunk({ function_call: { arguments: ":1}" } }),
      ),
    ).toEqual([["a", { x: 1 }]]);
  });

  it("that are not JSON keep what the model wrote, with a code", async () => {
    for (const args of ['{"x": "unfinis', "[1]", '"text"', "12", "x", `${X1}${Y2}`]) {
      const got = await server.ask(
        "chat",
        stream(delta({ index: 0, id: "1", name: "a", args }), finish("length"), DONE),
      );
      expect(got.calls).toEqual([
        {
          type: "tool-call",
          toolCall: { id: "1", name: "a", inputText: args, code: "ERR_TOOL_INPUT" },
          inputError: expect.stringContaining(args),
        },
      ]);
      expect(got.end?.stopReason).toBe("length");
    }
  });

  it("that never say their name are an error that tells of them", async () => {
    const got = await server.ask("chat", stream(delta({ index: 3, id: "c9", args: X1 }), finish("tool_calls"), DONE));
    expect(got.end).toBeUndefined();
    expect(got.error).toMatchObject({ name: "ProviderError", code: "ERR_PROVIDER_STREAM" });
    expect(String(got.error)).toContain('a tool call without a name (index 3, id c9): its arguments are {"x":1}');
  });

  it("come out whole however they are cut and interleaved, as long as ids or indices say where they belong", async () => {
    const call = fc.record({
      name: fc.constantFrom("a", "b"),
      input: fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(call, { minLength: 1, maxLength: 4 }),
        fc.constantFrom<"id" | "index" | "both">("id", "index", "both"),
        fc.array(fc.nat({ max: 3 }), { maxLength: 40 }),
        fc.integer({ min: 1, max: 5 }),
        async (calls, identity, order, size) => {
          const fragments = calls.map(
            ({ input }) => JSON.stringify(input).match(new RegExp(`[^]{1,${size}}`, "g")) ?? [],
          );
          const key = (place: number): Fragment => ({
            ...(identity === "index" ? {} : { id: `id${place}` }),
            ...(identity === "id" ? {} : { index: place }),
          });
          const deltas = calls.map(({ name }, place) => delta({ ...key(place), name, args: "" }));
          for (const place of [...order, ...fragments.flatMap((parts, at) => parts.map(() => at))]) {
            const args = fragments[place]?.shift();
            if (args !== undefined) deltas.push(delta({ ...key(place), args }));
          }
          expect(await callsOf(...deltas)).toEqual(
            calls.map(({ name, input }) => [name, JSON.parse(JSON.stringify(input))]),
          );
        },
      ),
      { numRuns: 60 },
    );
  });
});
