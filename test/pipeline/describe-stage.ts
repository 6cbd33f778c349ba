import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import {
  audioElement,
  type ContentKind,
  dataElement,
  endOfStreamElement,
  endOfTurnElement,
  errorElement,
  imageElement,
  interruptElement,
  isControl,
  messageElement,
  partsElement,
  PipelineBuilder,
  PipelineConfig,
  type PipelineRun,
  type Stage,
  type StreamElement,
  textElement,
  toolCallElement,
  videoElement,
  withMetadata,
} from "../../src/pipeline/index.ts";
import { timed } from "../machine/machine-watch.ts";
import { patience } from "../machine/patience.ts";

export interface StageCase {
  /** A stage as good as new. */
  make: () => Stage;
  /** The elements of one turn, without its end, each time the same. */
  turn: () => StreamElement[];
  /** The kinds that it does something with; others pass as they are, or it refuses them. Default none. */
  takes?: readonly ContentKind[];
  /** The stages that it has to be connected to. */
  destinations?: readonly string[];
  /** Does it hand on nothing at all? */
  isSink?: boolean;
  /** Does it take no input? */
  isSource?: boolean;
  /** Most elements that it and its channel take while nobody reads what it gives; default 200. */
  bound?: number;
  /** What of its output is the same in every execution; default kinds, texts and messages' texts. */
  view?: (element: StreamElement) => unknown;
}

const SAMPLES: Record<ContentKind, StreamElement> = {
  text: textElement("a text"),
  audio: audioElement({ samples: new Uint8Array(3_200), sampleRate: 16_000, format: "pcm16" }),
  video: videoElement({ data: new Uint8Array(4), mediaType: "video/mp4" }),
  image: imageElement({ data: new Uint8Array(4), mediaType: "image/png" }),
  message: messageElement({ role: "user", text: "a message" }),
  "tool-call": toolCallElement({ id: "c1", name: "clock", input: {} }),
  parts: partsElement([{ type: "text", text: "a part" }]),
  data: dataElement({ n: 1 }),
};
/** How long a stage may take to stop. */
const STOP_MS = 1_000;

/** What every stage owes to the pipeline that it is in, whatever it does. */
export function describeStage(name: string, given: StageCase): void {
  const { make, turn, takes = [], destinations = [], isSink = false, isSource = false, bound = 200 } = given;
  const { view = viewOf } = given;

  describe(`${name}, as a stage,`, () => {
    const runs: PipelineRun[] = [];

    afterEach(async () => {
      for (const run of runs.splice(0)) {
        run.cancel();
        await run.ended;
      }
    });

    function execute(stage: Stage, input: Iterable<StreamElement> | AsyncIterable<StreamElement>): PipelineRun {
      // Short, so that a stage that does not stop is seen, and not waited for.
      const config = new PipelineConfig().withGracefulShutdownTimeout(patience(5_000));
      const builder = new PipelineBuilder(config).chain(stage);
      for (const to of destinations) builder.connect(stage, destination(to));
      const run = builder.build().execute(isSource ? [] : input);
      runs.push(run);
      return run;
    }

    async function collect(run: PipelineRun): Promise<StreamElement[]> {
      const elements: StreamElement[] = [];
      for await (const element of run) elements.push(element);
      return elements;
    }

    it("ends when its input ends, with something in it and without", async () => {
      await collect(execute(make(), turn()));
      await collect(execute(make(), []));
      expect(runs.flatMap((run) => run.metrics().map(({ state }) => state)).filter((s) => s === "running")).toEqual([]);
    });

    it.skipIf(isSink || isSource)("hands on signals, all of them and in order", async () => {
      const input = [
        errorElement(new Error("one"), { metadata: { at: 1 } }),
        ...turn(),
        endOfTurnElement({ metadata: { at: 2 } }),
        interruptElement({ metadata: { at: 3 } }),
        errorElement(new Error("two"), { metadata: { at: 4 } }),
        ...turn(),
        endOfStreamElement({ metadata: { at: 5 } }),
      ];
      const elements = await collect(execute(make(), input));
      for (const via of destinations.length > 0 ? destinations : [undefined]) {
        const signals = elements.filter((element) => isControl(element) && element.metadata["via"] === via);
        // What belongs to a turn may have been given another end, but is not without one.
        const others = signals.filter(({ kind }) => kind !== "end-of-turn");
        expect(others.map(({ kind, metadata }) => [kind, metadata["at"]])).toEqual([
          ["error", 1],
          ["interrupt", 3],
          ["error", 4],
          ["end-of-stream", 5],
        ]);
        const places = signals.map(({ kind }) => kind);
        expect(places.indexOf("end-of-turn")).toBeGreaterThan(0);
        expect(places.indexOf("end-of-turn")).toBeLessThan(places.indexOf("interrupt"));
      }
    });

    it("stops soon after an abort, whether it waits for input or for room", async () => {
      for (const reads of [true, false]) {
        const spied = spy(make());
        const run = execute(spied.stage, unending(turn));
        const reading = reads ? collect(run).catch(() => {}) : undefined;
        if (!isSource) await settled(() => spied.count.taken);
        const { ms, allow } = await timed(() => {
          run.cancel(new Error("that is enough"));
          return spied.ended;
        });
        expect(ms).toBeLessThan(allow(STOP_MS));
        await reading;
        await run.ended;
      }
    });

    it("writes nothing after its own end", async () => {
      const spied = spy(make());
      await collect(execute(spied.stage, [...turn(), endOfTurnElement(), ...turn()]));
      const stopped = spy(make());
      const run = execute(stopped.stage, unending(turn));
      if (!isSource) await settled(() => stopped.count.taken);
      run.cancel();
      await run.ended;
      await sleep(30);
      expect([spied.count.late, stopped.count.late]).toEqual([0, 0]);
    });

    it("remembers nothing from one execution to the next, nor of one beside it", async () => {
      const stage = make();
      const input = (): StreamElement[] => [...turn(), endOfTurnElement(), ...turn()];
      const alone = (await collect(execute(make(), input()))).map(view);
      const first = (await collect(execute(stage, input()))).map(view);
      const [second, third] = await Promise.all([collect(execute(stage, input())), collect(execute(stage, input()))]);
      for (const other of [first, second.map(view), third.map(view)]) expect(sorted(other)).toEqual(sorted(alone));
    });

    it.skipIf(isSource)("takes no more than it has room for while nobody reads", async () => {
      if (isSink) return expect(await collect(execute(make(), turn()))).toEqual([]);
      let taken = 0;
      const counting = async function* (): AsyncGenerator<StreamElement> {
        for (;;) {
          for (const element of [...turn(), endOfTurnElement()]) {
            // One that takes whatever comes would fill the memory before it is seen.
            if (++taken > bound) await new Promise(() => {});
            yield element;
          }
        }
      };
      execute(make(), counting());
      await settled(() => taken);
      expect(taken).toBeGreaterThan(0);
      expect(taken).toBeLessThanOrEqual(bound);
    });

    const foreign = (Object.keys(SAMPLES) as ContentKind[]).filter((kind) => !takes.includes(kind));
    it.skipIf(isSink || isSource || foreign.length === 0)(
      "leaves foreign kinds as they are, or is refused them",
      async () => {
        for (const kind of foreign) {
          const stage = make();
          const sample = SAMPLES[kind];
          const reading = collect(execute(stage, [sample]));
          if (stage.accepts !== undefined && !stage.accepts.includes(kind)) {
            await expect(reading).rejects.toThrow(`Cannot hand on an element of kind "${kind}"`);
          } else {
            const same = (await reading).filter((element) => element.kind === kind);
            expect(same.length).toBeGreaterThan(0);
            expect(same.map(bodyOf)).toEqual(same.map(() => bodyOf(sample)));
          }
        }
      },
    );
  });
}

interface Spied {
  stage: Stage;
  /** Elements taken, and those written after the end. */
  count: { taken: number; late: number };
  ended: Promise<void>;
}

/** The same stage, watched. */
function spy(stage: Stage): Spied {
  const { promise, resolve } = Promise.withResolvers<void>();
  const count = { taken: 0, late: 0 };
  let hasEnded = false;
  const watched: Stage = {
    ...stage,
    async process(input, output, context) {
      const write: typeof output.write = (element, options) => {
        if (hasEnded) count.late++;
        return output.write(element, options);
      };
      const watchedInput: typeof input = {
        readBatch: async () => {
          const batch = await input.readBatch();
          count.taken += batch?.length ?? 0;
          return batch;
        },
        async *[Symbol.asyncIterator]() {
          for await (const element of input) {
            count.taken++;
            yield element;
          }
        },
      };
      const writeBatch = async (elements: Iterable<StreamElement>): Promise<void> => {
        for (const element of elements) await write(element);
      };
      try {
        await stage.process(watchedInput, { write, writeBatch }, context);
      } finally {
        hasEnded = true;
        resolve();
      }
    },
  };
  return { stage: watched, count, ended: promise };
}

/** One turn, and then nothing, for ever. */
async function* unending(turn: () => StreamElement[]): AsyncGenerator<StreamElement> {
  yield* turn();
  yield endOfTurnElement();
  yield* turn();
  await new Promise(() => {});
}

/** Resolves when a count has grown and does not grow any more. */
async function settled(count: () => number): Promise<void> {
  for (let same = 0, last = -1; same < 8;) {
    await sleep(10);
    const now = count();
    same = now === last && now > 0 ? same + 1 : 0;
    last = now;
  }
}

/** Hands everything on and says that it came this way. */
function destination(name: string): Stage {
  return {
    name,
    type: "transform",
    async process(input, output) {
      for await (const element of input) await output.write(withMetadata(element, { via: name }));
    },
  };
}

function viewOf(element: StreamElement): unknown {
  if (element.kind === "text") return [element.kind, element.text];
  if (element.kind === "message") return [element.kind, "text" in element.message ? element.message.text : ""];
  return element.kind === "audio" ? [element.kind, element.audio.samples.length] : [element.kind];
}

/** Where several stages follow, what comes out of them comes in any order. */
function sorted(views: readonly unknown[]): string[] {
  return views.map((view) => JSON.stringify(view)).sort();
}

function bodyOf(element: StreamElement): unknown {
  const { metadata: _, priority: __, time: ___, source: ____, trace: _____, ...body } = element;
  return body;
}
