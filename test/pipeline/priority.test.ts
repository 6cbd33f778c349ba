import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_PASSED_OVER, PriorityBuffer } from "../../src/pipeline/elements/element-buffer.ts";
import {
  endOfStreamElement,
  endOfTurnElement,
  interruptElement,
  passthrough,
  PipelineBuilder,
  PipelineConfig,
  type Priority,
  source,
  type Stage,
  type StreamElement,
  textElement,
} from "../../src/pipeline/index.ts";
import { chain, collect, numbered, settled, textsOf, transform } from "./pipeline-fixture.ts";

const PRIORITIES: Priority[] = ["low", "normal", "high", "critical"];
const of = (priority: Priority, text: string = priority): StreamElement => textElement(text, { priority });
const config = new PipelineConfig().withPriorityQueue(true);

/** What a stage gets of elements that all wait when it begins to read. */
async function delivered(elements: StreamElement[], settings = config): Promise<string[]> {
  const gate = Promise.withResolvers<void>();
  const gated = transform("gated", async (input, output) => {
    await gate.promise;
    for await (const element of input) await output.write(element);
  });
  const run = chain([gated], settings.withChannelBufferSize(1000)).execute(elements);
  await settled(run);
  gate.resolve();
  return textsOf(await collect(run));
}

describe("withPriorityQueue(true)", () => {
  it("hands out the most urgent of those that wait", async () => {
    expect(await delivered(PRIORITIES.map((priority) => of(priority)))).toEqual(["critical", "high", "normal", "low"]);
  });

  it("keeps the order of arrival within one priority", async () => {
    const elements = Array.from({ length: 40 }, (_, i) => of(i % 2 === 0 ? "low" : "high", `${i % 2}:${i}`));
    const got = await delivered(elements);
    for (const lane of ["0:", "1:"]) {
      const numbers = got.filter((text) => text.startsWith(lane)).map((text) => Number(text.slice(2)));
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
      expect(numbers).toHaveLength(20);
    }
  });

  it("passes the oldest over eight times at most", async () => {
    const got = await delivered([of("low"), ...Array.from({ length: 100 }, () => of("high"))]);
    expect(got.indexOf("low")).toBe(MAX_PASSED_OVER);
    expect(MAX_PASSED_OVER).toBe(8);
  });

  it("lets nothing past the end of a turn or a stream, and those past nothing", async () => {
    const got = await delivered([
      of("low", "1"),
      endOfTurnElement(),
      of("critical", "2"),
      endOfStreamElement(),
      of("high", "3"),
    ]);
    expect(got).toEqual(["1", "end-of-turn", "2", "end-of-stream", "3"]);
  });

  it("hands an interrupt out before what it interrupts", async () => {
    expect((await delivered([of("normal"), of("high"), interruptElement()]))[0]).toBe("interrupt");
  });

  it("lets the most urgent of those in that wait for room", async () => {
    const gate = Promise.withResolvers<void>();
    const writer = transform("writer", async (_, output) => {
      await Promise.all(
        [of("low", "first"), of("low", "second"), of("normal", "third"), of("critical", "fourth")].map((element) =>
          output.write(element),
        ),
      );
    });
    const gated = transform("gated", async (input, output) => {
      await gate.promise;
      for await (const element of input) await output.write(element);
    });
    const run = chain([writer, gated], config.withChannelBufferSize(1)).execute();
    await settled(run);
    gate.resolve();
    expect(textsOf(await collect(run))).toEqual(["first", "fourth", "third", "second"]);
  });

  it("passes the oldest of those that wait for room over eight times at most", async () => {
    const flood = (priority: Priority): Stage =>
      source(priority, function* () {
        for (;;) yield of(priority);
      });
    const pipeline = new PipelineBuilder(config.withChannelBufferSize(1))
      .merge(passthrough("out"), flood("low"), flood("high"), flood("critical"))
      .build();
    const got: string[] = [];
    for await (const element of pipeline.execute()) if (got.push(...textsOf([element])) === 300) break;
    const places = [...got.keys()].filter((i) => got[i] === "low");
    const gaps = places.map((place, i) => place - (places[i - 1] ?? 0));
    expect(Math.max(...gaps, 300 - places.at(-1)!)).toBeLessThanOrEqual(2 * (MAX_PASSED_OVER + 1));
  });

  it("lets no write past the end of a turn that waits for room", async () => {
    const gate = Promise.withResolvers<void>();
    const writer = transform("writer", async (_, output) => {
      const elements = [of("low", "1"), of("low", "2"), endOfTurnElement(), of("critical", "3")];
      await Promise.all(elements.map((element) => output.write(element)));
    });
    const gated = transform("gated", async (input, output) => {
      await gate.promise;
      for await (const element of input) await output.write(element);
    });
    const run = chain([writer, gated], config.withChannelBufferSize(1)).execute();
    await settled(run);
    gate.resolve();
    expect(textsOf(await collect(run))).toEqual(["1", "2", "end-of-turn", "3"]);
  });

  it("loses nothing on the way through several stages", async () => {
    const elements = numbered(500).map((element, i) => ({ ...element, priority: PRIORITIES[i % 4]! }));
    const run = chain([passthrough("a"), passthrough("b")], config).execute(elements);
    const got = textsOf(await collect(run));
    expect(got.toSorted()).toEqual(textsOf(elements).toSorted());
  });
});

describe("without a priority queue", () => {
  it("elements come in the order in which they were written", async () => {
    const elements = [of("low"), of("critical"), interruptElement(), of("high")];
    expect(await delivered(elements, new PipelineConfig())).toEqual(["low", "critical", "interrupt", "high"]);
  });
});

describe("PriorityBuffer", () => {
  it("gives back all that it was given, however pushes and takes mix", () => {
    const move = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...PRIORITIES) },
      { weight: 1, arbitrary: fc.constantFrom("end" as const) },
      { weight: 3, arbitrary: fc.constant("take" as const) },
    );
    fc.assert(
      fc.property(fc.array(move, { maxLength: 200 }), (moves) => {
        const buffer = new PriorityBuffer();
        const waiting: { element: StreamElement; passedOver: number }[] = [];
        const take = (): void => {
          const [element] = buffer.take();
          const index = waiting.findIndex((entry) => entry.element === element);
          expect(index).toBeGreaterThanOrEqual(0);
          const taken = waiting.splice(index, 1)[0]!.element;
          // Nothing of the same priority, and no end, was before it.
          for (const { element: before } of waiting.slice(0, index)) {
            expect(before.kind).toBe("text");
            expect(taken.kind).toBe("text");
            expect(before.priority).not.toBe(taken.priority);
          }
          if (index > 0) {
            waiting[0]!.passedOver++;
            expect(waiting[0]!.passedOver).toBeLessThanOrEqual(MAX_PASSED_OVER);
          }
        };
        for (const next of moves) {
          if (next !== "take") {
            const element = next === "end" ? endOfTurnElement() : of(next);
            buffer.push(element);
            waiting.push({ element, passedOver: 0 });
          } else if (buffer.length > 0) take();
          expect(buffer.length).toBe(waiting.length);
        }
        while (buffer.length > 0) take();
        expect(waiting).toEqual([]);
      }),
    );
  });
});
