import type { TimeSource } from "../../base/time/time-source.ts";
import { GeppettoError } from "../../shared/errors.ts";
import type { Channel } from "./channel.ts";
import { isControl, isElement, type ContentKind, type StreamElement } from "../elements/element.ts";
import type { ElementWriter, WriteOptions } from "../stage.ts";
import type { StageInput } from "./stage-input.ts";
import { WaitingClock } from "./waiting-clock.ts";

/** A way out of a stage. */
export interface OutgoingEdge {
  /** The stage that it leads to. */
  to: string;
  channel: Channel;
  /** The kinds that the stage takes; undefined for all. */
  accepts: ReadonlySet<ContentKind> | undefined;
  /** The edge's number among several into one stage, which its elements are to bear. */
  mergeIndex: number | undefined;
}

export interface StageOutputOptions {
  /** The stage's name; undefined for the pipeline's input, which makes nothing. */
  stage: string | undefined;
  edges: readonly OutgoingEdge[];
  signal: AbortSignal;
  /** Is called when elements have been handed on. */
  onMove: () => void;
  /** Is waiting to be timed? */
  timed: boolean;
  /** Where elements come from, when they are to note their way. */
  tracedFrom: StageInput | undefined;
  time: TimeSource;
  /** When the execution began, on the clock of {@link TimeSource.steady}. */
  startedAt: number;
}

/** What a write gives that found room at once: there is nothing to wait for. */
export const WRITTEN: Promise<void> = Promise.resolve();

/** What one stage writes in one execution. */
export class StageOutput implements ElementWriter {
  /** Elements handed on, copies for several stages counted once; and errors among them. */
  readonly counts = { written: 0, errors: 0 };
  /** Waiting for room. */
  readonly waiting: WaitingClock;
  #isClosed = false;
  readonly #options: StageOutputOptions;
  /** The one edge of most stages, if it takes whatever comes. */
  readonly #only: OutgoingEdge | undefined;

  constructor(options: StageOutputOptions) {
    this.#options = options;
    this.waiting = new WaitingClock(options.timed, options.time);
    const [first, second] = options.edges;
    if (second === undefined && first?.accepts === undefined && first?.mergeIndex === undefined) this.#only = first;
  }

  /** Does nobody take anything any more? */
  get isUnwanted(): boolean {
    return this.#options.edges.every(({ channel }) => channel.isSealed);
  }

  write(element: StreamElement, options?: WriteOptions): Promise<void> {
    try {
      const sent = this.#prepare(element);
      if (this.#only !== undefined && options?.to === undefined) {
        if (this.#only.channel.tryWrite(sent)) return WRITTEN;
        return this.#wait([this.#only.channel.write(sent)]);
      }
      return this.#writeTo(this.#edgesFor(sent, options?.to), sent);
    } catch (error) {
      return this.#reject(error);
    }
  }

  async writeBatch(elements: Iterable<StreamElement>): Promise<void> {
    const only = this.#only;
    if (only === undefined || !Array.isArray(elements)) {
      for (const element of elements) {
        const written = this.write(element);
        if (written !== WRITTEN) await written;
      }
      return;
    }
    await this.writePrepared(this.prepare(elements as StreamElement[]));
  }

  /** The elements as they are handed on, counted. */
  prepare(elements: readonly StreamElement[]): readonly StreamElement[] {
    return elements.map((element) => this.#prepare(element));
  }

  /** Hands on what has been prepared. */
  async writePrepared(sent: readonly StreamElement[]): Promise<void> {
    const only = this.#only;
    if (only === undefined) {
      for (const element of sent) {
        const written = this.#writeTo(this.#edgesFor(element, undefined), element);
        if (written !== WRITTEN) await written;
      }
      return;
    }
    for (let next = 0; next < sent.length;) {
      next += only.channel.tryWriteMany(sent, next);
      if (next < sent.length) await this.#wait([only.channel.write(sent[next++]!)]);
    }
  }

  /** The stage has ended. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const { channel } of this.#options.edges) channel.closeWriter();
  }

  #prepare(element: StreamElement): StreamElement {
    const { stage, signal, onMove, tracedFrom } = this.#options;
    signal.throwIfAborted();
    if (this.#isClosed)
      throw new GeppettoError("StageError", `Cannot write from stage "${stage}": it has ended; await its writes`);
    if (!isElement(element)) {
      throw new GeppettoError(
        "StageError",
        `Cannot write from ${this.#name}: expected an element, got ${describe(element)}; make one with textElement()`,
      );
    }
    this.counts.written++;
    if (element.kind === "error") this.counts.errors++;
    onMove();
    if (tracedFrom !== undefined && stage !== undefined) return this.#trace(element, stage, tracedFrom);
    return element.source === undefined && stage !== undefined ? { ...element, source: stage } : element;
  }

  #trace(element: StreamElement, stage: string, { last, lastAt }: StageInput): StreamElement {
    const { startedAt, time } = this.#options;
    const leftMs = time.steady() - startedAt;
    const enteredMs = last === undefined ? leftMs : lastAt - startedAt;
    const previous = element.trace ?? last?.trace;
    return { ...element, source: element.source ?? stage, trace: { stage, enteredMs, leftMs, previous } };
  }

  #edgesFor(element: StreamElement, to: readonly string[] | undefined): readonly OutgoingEdge[] {
    const { edges } = this.#options;
    const candidates = to === undefined ? edges : [...new Set(to)].map((name) => this.#edgeTo(name));
    if (isControl(element)) return candidates;
    const takers = candidates.filter(({ accepts }) => accepts?.has(element.kind as ContentKind) ?? true);
    // A stage that was named has to take it, of all the others one.
    if (to === undefined ? takers.length > 0 || edges.length === 0 : takers.length === candidates.length) return takers;
    const refusing = candidates.map((edge) => `"${edge.to}" accepts ${listKinds(edge)}`).join(", ");
    throw new GeppettoError(
      "StageError",
      `Cannot hand on an element of kind "${element.kind}" from ${this.#name}: ${refusing}`,
    );
  }

  get #name(): string {
    const { stage } = this.#options;
    return stage === undefined ? "the input" : `stage "${stage}"`;
  }

  #edgeTo(name: string): OutgoingEdge {
    const { edges, stage } = this.#options;
    const found = edges.find(({ to }) => to === name);
    if (found !== undefined) return found;
    const names = edges.map(({ to }) => `"${to}"`).join(", ");
    throw new GeppettoError(
      "StageError",
      `Cannot hand an element from stage "${stage}" to "${name}": it is connected to ${names}`,
    );
  }

  #writeTo(edges: readonly OutgoingEdge[], element: StreamElement): Promise<void> {
    const waiting: Promise<boolean>[] = [];
    for (const { channel, mergeIndex } of edges) {
      // Each stage gets a copy of its own: what one puts into it is not seen by another.
      const copy = edges.length > 1 || mergeIndex !== undefined ? copyOf(element, mergeIndex) : element;
      if (!channel.tryWrite(copy)) waiting.push(channel.write(copy));
    }
    return waiting.length === 0 ? WRITTEN : this.#wait(waiting);
  }

  #wait(writes: Promise<boolean>[]): Promise<void> {
    const waited = this.#waitForAll(writes);
    waited.catch(() => {});
    return waited;
  }

  async #waitForAll(writes: Promise<boolean>[]): Promise<void> {
    // Writing what nobody takes never waits for room: it must not hold up all else.
    for (const write of writes) if (!(await this.waiting.wait(write))) await this.#options.time.giveWay();
    this.#options.signal.throwIfAborted();
  }

  /** Whoever does not await a write is not troubled when the stage is to stop, only when it has done something wrong. */
  #reject(error: unknown): Promise<never> {
    const rejected = Promise.reject(error);
    if (this.#options.signal.aborted) rejected.catch(() => {});
    return rejected;
  }
}

function copyOf(element: StreamElement, mergeIndex: number | undefined): StreamElement {
  const metadata =
    mergeIndex === undefined ? { ...element.metadata } : { ...element.metadata, mergeInputIndex: mergeIndex };
  return { ...element, metadata };
}

function listKinds({ accepts }: OutgoingEdge): string {
  const kinds = accepts === undefined ? "everything" : [...accepts].join(", ");
  return kinds === "" ? "nothing" : kinds;
}

function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 40));
  return value === null || typeof value !== "object" ? String(value) : "an object without a known kind";
}
