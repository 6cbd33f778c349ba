import { timeSource } from "../src/base/time/time-source.ts";
import type { StreamElement } from "../src/pipeline/elements/element.ts";
import type { ElementReader, ElementWriter, Stage } from "../src/pipeline/stage.ts";

/**
 * The work of a stage of the host's, which may do something in the real world: where time is virtual, what it takes and
 * gives, and its end, come when everything else waits, the stages that began first before the others. So the order of
 * things does not depend on how long anything takes.
 */
export function orderlyProcess(process: Stage["process"]): Stage["process"] {
  return async (input, output, context) => {
    const time = timeSource();
    if (!time.isVirtual) return process(input, output, context);
    const place = time.place();
    const { signal } = context;
    const turn = (): Promise<void> => time.arrive(signal, place);
    try {
      await process(orderlyReader(input, turn), orderlyWriter(output, turn), context);
    } finally {
      if (!signal.aborted) await turn().catch(() => {});
    }
  };
}

function orderlyReader(input: ElementReader, turn: () => Promise<void>): ElementReader {
  return {
    async readBatch() {
      await turn();
      return input.readBatch();
    },
    [Symbol.asyncIterator](): AsyncIterator<StreamElement> {
      const elements = input[Symbol.asyncIterator]();
      return {
        async next() {
          await turn();
          return elements.next();
        },
        async return() {
          await elements.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

function orderlyWriter(output: ElementWriter, turn: () => Promise<void>): ElementWriter {
  const inTurn = (write: () => Promise<void>): Promise<void> => {
    const written = turn().then(write);
    // Who does not await a write is not troubled by it.
    written.catch(() => {});
    return written;
  };
  return {
    write: (element, options) => inTurn(() => output.write(element, options)),
    writeBatch: (elements) => inTurn(() => output.writeBatch(elements)),
  };
}
