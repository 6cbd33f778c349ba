// A pipeline beside what else there is to chain streams with.
import { Readable, Transform } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { concatMap, from, of } from "rxjs";
import { goPeer } from "./go-peers.mjs";
import { map, passthrough, PipelineBuilder, stageFunc, textElement } from "../dist/src/pipeline/index.js";
import { compare, printTable, scaled, time } from "./measure.mjs";

const STAGES = 10;
const perSecond = (count, ms) => (count / ms) * 1000;
const names = Array.from({ length: STAGES }, (_, i) => `stage ${i}`);

function* elements(count) {
  for (let i = 0; i < count; i++) yield textElement("element");
}

/** Elements per second through ten stages that hand on what they get. */
async function through(count, connect) {
  let seen = 0;
  const ms = await time(async () => {
    for await (const _ of connect(elements(count))) seen++;
  });
  if (seen !== count) throw new Error(`${seen} of ${count} elements arrived`);
  return perSecond(count, ms);
}

const pipelineOf = (stage) => {
  const pipeline = new PipelineBuilder().chain(...names.map(stage)).build();
  return (input) => pipeline.execute(input);
};

const oneByOne = (name) =>
  stageFunc(name, "transform", async (input, output) => {
    for await (const element of input) await output.write(element);
  });

/** Without back-pressure: an array of all elements, pushed through. */
async function* rx(input) {
  const all = [];
  await new Promise((resolve, reject) => {
    const stages = names.map(() => concatMap((element) => of(element)));
    from(input)
      .pipe(...stages)
      .subscribe({ next: (element) => all.push(element), complete: resolve, error: reject });
  });
  yield* all;
}

function generators(input) {
  async function* pass(from) {
    for await (const element of from) yield element;
  }
  return names.reduce(pass, input);
}

const nodeStreams = (input) =>
  names.reduce(
    (stream) =>
      stream.pipe(
        new Transform({
          objectMode: true,
          transform: (element, _, done) => done(null, element),
        }),
      ),
    Readable.from(input),
  );

const webStreams = (input) =>
  names.reduce((stream) => stream.pipeThrough(new TransformStream()), ReadableStream.from(input));

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc");
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Megabytes by which the heap grows at most while the reader takes an element in the time in which hundreds are made. */
async function heapWithSlowReader(count, connect) {
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  let most = 0;
  let taken = 0;
  // Without back-pressure a source that never ends would fill the memory.
  for await (const _ of connect(elements(count * 100))) {
    await turn();
    if (++taken === count) break;
    if (taken % (count / 10) !== 0) continue;
    collectGarbage();
    most = Math.max(most, process.memoryUsage().heapUsed - before);
  }
  return most / 1e6;
}

export async function benchPipeline() {
  const count = scaled(100_000);
  const channels = goPeer("channels");
  printTable(
    `Ten stages that hand on what they get`,
    "elements per second",
    await compare({
      "chain of async generators": () => through(count, generators),
      "pipeline, passthrough()": () => through(count, pipelineOf(passthrough)),
      "pipeline, stages that read and write one by one": () => through(count, pipelineOf(oneByOne)),
      "Node object streams": () => through(count, nodeStreams),
      "web TransformStream": () => through(scaled(10_000), webStreams),
      "pipeline, map() of each element": () =>
        through(
          count,
          pipelineOf((name) => map(name, (element) => element)),
        ),
      "RxJS, without back-pressure": () => through(count, rx),
      ...(channels === undefined ? {} : { "Go channels": async () => channels(count) }),
    }),
  );
  const taken = scaled(2000);
  printTable(
    "Heap while the reader is more than 100 times slower than the source",
    "MB, at most",
    await compare({
      "everything in an array": () => heapWithSlowReader(taken, (input) => [...input]),
      "chain of async generators": () => heapWithSlowReader(taken, generators),
      "pipeline, passthrough()": () => heapWithSlowReader(taken, pipelineOf(passthrough)),
      "Node object streams": () => heapWithSlowReader(taken, nodeStreams),
      "web TransformStream": () => heapWithSlowReader(taken, webStreams),
    }),
  );
}
