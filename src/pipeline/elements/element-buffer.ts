import { isBarrier, PRIORITIES, type StreamElement } from "./element.ts";

/** Elements that wait for a stage. */
export interface ElementBuffer {
  readonly length: number;
  push(element: StreamElement): void;
  /** What is to be handed over next; the buffer is not empty. */
  take(): StreamElement[];
  clear(): void;
}

/** In order of arrival; all that wait go over together. */
export class FifoBuffer implements ElementBuffer {
  #elements: StreamElement[] = [];

  get length(): number {
    return this.#elements.length;
  }

  push(element: StreamElement): void {
    this.#elements.push(element);
  }

  take(): StreamElement[] {
    const taken = this.#elements;
    this.#elements = [];
    return taken;
  }

  clear(): void {
    this.#elements = [];
  }
}

interface Waiting {
  element: StreamElement;
  order: number;
}

/** How often the oldest element may be passed over before it goes, whatever its priority. */
export const MAX_PASSED_OVER = 8;

/** Elements between two barriers: a queue for each priority. */
class Segment {
  readonly lanes: Waiting[][] = PRIORITIES.map(() => []);
  barrier: StreamElement | undefined;
  #passedOver = 0;

  next(): StreamElement | undefined {
    let best: Waiting[] | undefined;
    let oldest: Waiting[] | undefined;
    for (const lane of this.lanes) {
      const [first] = lane;
      if (first === undefined) continue;
      best = lane;
      if (oldest === undefined || first.order < oldest[0]!.order) oldest = lane;
    }
    if (best === undefined) return undefined;
    if (best === oldest || this.#passedOver >= MAX_PASSED_OVER) {
      this.#passedOver = 0;
      return oldest!.shift()!.element;
    }
    this.#passedOver++;
    return best.shift()!.element;
  }
}

/**
 * The most urgent first, one at a time; of one priority in order of arrival. The oldest is passed over eight times at
 * most. `end-of-stream` and `end-of-turn` stay where they are: nothing gets past them.
 */
export class PriorityBuffer implements ElementBuffer {
  #segments: Segment[] = [new Segment()];
  #length = 0;
  #order = 0;

  get length(): number {
    return this.#length;
  }

  push(element: StreamElement): void {
    this.#length++;
    const segment = this.#segments.at(-1)!;
    if (isBarrier(element)) {
      segment.barrier = element;
      this.#segments.push(new Segment());
    } else segment.lanes[PRIORITIES.indexOf(element.priority)]!.push({ element, order: this.#order++ });
  }

  take(): StreamElement[] {
    this.#length--;
    const [segment] = this.#segments;
    const element = segment!.next();
    if (element !== undefined) return [element];
    this.#segments.shift();
    return [segment!.barrier!];
  }

  clear(): void {
    this.#segments = [new Segment()];
    this.#length = 0;
  }
}
