import { withIdempotencyKey } from "../../base/call-context.ts";
import { createDeferred, type Deferred } from "../../base/deferred.ts";
import { withOutside, type AskedOutside, type Outside } from "../../base/calls/outside.ts";
import { withRealTime } from "../../base/time/time-source.ts";
import type { ExecutionChange, ExecutionRecord } from "../../journal/executions/journal.ts";
import { toErrorRecord } from "../../shared/errors.ts";
import { toError } from "../journal/recorded-error.ts";
import { interrupted } from "./execution-errors.ts";
import type { CarriedAnswers, RequestCount } from "./carried-answers.ts";
import type { OutsideAnswers } from "./outside-answers.ts";
import { intentRecord, partRecord, readPart, type OutsidePart } from "./tape-record.ts";
import type { TapeIndex } from "./tape-index.ts";
import type { Tape } from "./tape.ts";

/** What is to become of a call that began before the process ended, and whose answer nobody knows. */
export type Ambiguity = { retry: true } | { value: unknown } | { error: string };

export interface OutsideKeeperOptions {
  executionId: string;
  tape: Tape;
  /** undefined for an execution that begins. */
  index: TapeIndex | undefined;
  /** What was asked for since the last checkpoint, and before the script began anew. */
  carried: CarriedAnswers | undefined;
  requests: RequestCount;
  /** Asks what is to become of such a call. */
  resolve(key: string, asked: AskedOutside, open: OutsideAnswers["asked"]): Promise<Ambiguity>;
  /** The same for one that answers at once; undefined where nobody has said, and the execution is suspended. */
  resolveNow(key: string, asked: AskedOutside, open: OutsideAnswers["asked"]): Ambiguity | undefined;
}

/** Something that is asked for: by its place, and after a checkpoint by what it is. */
interface IdentifiedCall {
  key: string;
  request: string | undefined;
}

/**
 * Keeps what an execution asks for outside, and what it gets. Each is known by the message of the guest that led to it,
 * and how many that message had led to before: the same in each attempt. While the execution is brought back, answers
 * come from its record, when they came then; what has none there is asked when the execution goes on.
 */
export class OutsideKeeper {
  readonly #options: OutsideKeeperOptions;
  /** The end of what is on record is reached: what nobody knows the answer of is asked about first. */
  readonly #atEnd = createDeferred();
  readonly #goesOn = createDeferred();
  #isLive: boolean;
  #isRebuilding: boolean;
  #messages = 0;
  #served: OutsideOf | undefined;
  /** Something that answers at once has been asked: its answer has to be kept before the guest gets it. */
  #isUrgent = false;
  #isStuck = false;
  /** Calls that are made once, and whose answers have not come. */
  #onceCount = 0;
  #onceOver: Deferred<void> = createDeferred();

  constructor(options: OutsideKeeperOptions) {
    this.#options = options;
    this.#isLive = options.index === undefined;
    this.#isRebuilding = !this.#isLive;
    if (this.#isLive) this.goOn();
  }

  /** Resolves when all that is on record has been done again. */
  get atEnd(): Promise<void> {
    return this.#atEnd.promise;
  }

  /** The host's half is where it was. */
  noteRebuilt(): void {
    this.#isRebuilding = false;
  }

  /** Lets calls ask somebody whose answers nobody knows. */
  askAboutAmbiguous(): void {
    this.#atEnd.resolve();
  }

  get isLive(): boolean {
    return this.#isLive;
  }

  goOn(): void {
    this.#isLive = true;
    this.#atEnd.resolve();
    this.#goesOn.resolve();
  }

  /** The guest waits for an answer that nobody has: what it does from there on is not part of the execution. */
  get isStuck(): boolean {
    return this.#isStuck;
  }

  /** Resolves when no call is under way that nobody could make again. */
  async onceOver(): Promise<void> {
    while (this.#onceCount > 0) await this.#onceOver.promise;
  }

  /** Has an answer to be kept before the guest gets it? Asked once after each message. */
  takeUrgency(): boolean {
    const isUrgent = this.#isUrgent;
    this.#isUrgent = false;
    return isUrgent;
  }

  /** Serves the next message of the guest's. */
  serve<T>(fn: () => T): T {
    this.#served = new OutsideOf(this, String(++this.#messages));
    try {
      return fn();
    } finally {
      this.#served = undefined;
    }
  }

  /** Runs what the message that is being served has asked for. */
  scoped<T>(fn: () => T): T {
    return this.#served === undefined ? fn() : withOutside(this.#served, fn);
  }

  /** What came then came now. */
  release(record: ExecutionRecord): void {
    const { key, part } = readPart(record);
    this.answers(key)?.release(part);
  }

  async call<T>(key: string, asked: AskedOutside, ask: () => T | Promise<T>): Promise<T> {
    const call = this.#identify(key, asked);
    const then = this.answers(key);
    if (then?.isWhole === true) return fromPart(await then.next()) as T;
    await this.#atEnd.promise;
    asked.signal?.throwIfAborted();
    const carried = then === undefined ? this.#carried(call) : undefined;
    const known = this.#carriedPart(key, carried) ?? (await this.#known(call, asked, then ?? carried));
    if (known !== undefined) return fromPart(known) as T;
    await this.#goesOn.promise;
    asked.signal?.throwIfAborted();
    await this.#begin(call, asked);
    using _ = this.#underWay(asked);
    return await this.#ask(call, ask);
  }

  callNow<T>(key: string, asked: AskedOutside, ask: () => T): T {
    const call = this.#identify(key, asked);
    // What the guest was answered is on record: nobody looks at this.
    if (this.#isRebuilding) return undefined as T;
    const { tape } = this.#options;
    const known = this.answers(key);
    const then = known ?? this.#carried(call);
    const carried = this.#carriedPart(key, then);
    if (carried !== undefined) return fromPart(carried) as T;
    if (then?.hasBegun === true && asked.effect === "once") {
      if (known === undefined) this.#noteIntent(call, asked);
      const how = this.#options.resolveNow(key, asked, then.asked);
      if (how === undefined) {
        this.#isStuck = true;
        return undefined as T;
      }
      const said = this.#settle(key, asked, how);
      this.#isUrgent = true;
      if (said !== undefined) return fromPart(said) as T;
    }
    this.#isUrgent = true;
    if (asked.effect !== "none") {
      this.#noteIntent(call, asked);
      tape.storeNow();
    }
    return this.#keepNow(call, ask);
  }

  async *values<T>(key: string, asked: AskedOutside, open: () => AsyncIterable<T>): AsyncGenerator<T> {
    const { toItem = (value) => value } = asked;
    const call = this.#identify(key, asked);
    const then = this.answers(key);
    if (then !== undefined && (then.isWhole || then.isShown)) {
      for (;;) {
        const part = then.isWhole ? await then.next() : await this.#nextOrLive(then);
        if (part === undefined) {
          const error = interrupted(asked.name);
          this.keep(key, { type: "error", error: toErrorRecord(error) });
          throw error;
        }
        if (part.type === "end") return;
        if (part.type === "item") yield part.value as T;
        // What somebody said of it is in place of what had not come.
        else return yield toItem(fromPart(part)) as T;
      }
    }
    await this.#atEnd.promise;
    asked.signal?.throwIfAborted();
    const carried = then === undefined ? this.#carried(call) : undefined;
    if (carried?.isWhole === true) {
      for (;;) {
        const part = this.#carriedPart(key, carried)!;
        if (part.type === "end") return;
        yield part.type === "item" ? (part.value as T) : (toItem(fromPart(part)) as T);
      }
    }
    const known = await this.#known(call, asked, then ?? carried);
    await this.#goesOn.promise;
    asked.signal?.throwIfAborted();
    if (known === undefined) {
      // What has come of it so far is forgotten.
      if (then?.firstItemAt !== undefined) this.keep(key, { type: "again" });
      await this.#begin(call, asked);
      using _ = this.#underWay(asked);
      yield* this.#values(call, open);
    } else yield toItem(fromPart(known)) as T;
  }

  /** Writes what came of it. */
  keep(key: string, part: OutsidePart, change?: ExecutionChange): void {
    this.#options.tape.push(partRecord(key, part), change);
  }

  /** The next part of then; undefined when the execution goes on and there is none. */
  async #nextOrLive(then: OutsideAnswers): Promise<OutsidePart | undefined> {
    const known = then.take();
    if (known !== undefined) return known;
    if (this.#isLive) return undefined;
    const next = then.next();
    return Promise.race([next, this.#goesOn.promise.then(() => undefined)]);
  }

  /** What is on record of what was asked for under this key. */
  answers(key: string): OutsideAnswers | undefined {
    return this.#options.index?.outside(key);
  }

  /** What somebody says has become of a call that is not to be made twice; undefined for one that is to be made. */
  async #known(
    call: IdentifiedCall,
    asked: AskedOutside,
    then: OutsideAnswers | undefined,
  ): Promise<OutsidePart | undefined> {
    if (then?.hasBegun !== true || asked.effect !== "once") return undefined;
    const { key } = call;
    // From here on its place here says that it has begun, too.
    if (this.answers(key) === undefined) this.#noteIntent(call, asked);
    return this.#settle(key, asked, await this.#options.resolve(key, asked, then.asked));
  }

  /** Keeps what somebody has said about a call whose answer nobody knew; undefined where it is to be asked again. */
  #settle(key: string, asked: AskedOutside, how: Ambiguity): OutsidePart | undefined {
    let part: OutsidePart;
    if ("retry" in how) part = { type: "again" };
    else if ("error" in how)
      part = { type: "error", error: { name: "StepError", message: how.error, code: "ERR_STEP" } };
    // Of a value that is undefined nothing is written down.
    else part = toPart(how.value, asked);
    this.keep(key, part);
    return part.type === "again" ? undefined : part;
  }

  /** What has an effect begins when it is on record that it does. */
  async #begin(call: IdentifiedCall, asked: AskedOutside): Promise<void> {
    if (asked.effect !== "none") {
      this.#noteIntent(call, asked);
      await this.#options.tape.stored();
    } else if (asked.isPart === true && call.request !== undefined) this.#noteIntent(call, asked);
  }

  #underWay({ effect }: AskedOutside): Disposable {
    if (effect !== "once") return { [Symbol.dispose]: () => {} };
    this.#onceCount++;
    return {
      [Symbol.dispose]: () => {
        if (--this.#onceCount > 0) return;
        this.#onceOver.resolve();
        this.#onceOver = createDeferred();
      },
    };
  }

  #noteIntent(call: IdentifiedCall, { name, effect }: AskedOutside): void {
    this.#options.tape.pushFirst(intentRecord({ ...call, name, effect }));
  }

  /** After a checkpoint the answer is kept by itself: the script may begin anew. */
  #keepNow<T>(call: IdentifiedCall, ask: () => T): T {
    const value = this.#keyed(call, ask);
    if (call.request !== undefined) this.#options.tape.pushFirst(partRecord(call.key, { type: "value", value }));
    return value;
  }

  #identify(key: string, { name, args }: AskedOutside): IdentifiedCall {
    return { key, request: this.#options.requests.next(name, args) };
  }

  #carried({ request }: IdentifiedCall): OutsideAnswers | undefined {
    return request === undefined ? undefined : this.#options.carried?.find(request);
  }

  /** The answer that an attempt got before the script began anew. */
  #carriedPart(key: string, then: OutsideAnswers | undefined): OutsidePart | undefined {
    const part = then?.isWhole === true ? then.take() : undefined;
    if (part !== undefined) this.keep(key, part);
    return part;
  }

  async #ask<T>(call: IdentifiedCall, ask: () => T | Promise<T>): Promise<T> {
    const { key } = call;
    try {
      const value = await this.#keyed(call, ask);
      this.keep(key, { type: "value", value });
      return value;
    } catch (error) {
      this.keep(key, { type: "error", error: toErrorRecord(error) });
      throw error;
    }
  }

  async *#values<T>(call: IdentifiedCall, open: () => AsyncIterable<T>): AsyncGenerator<T> {
    const { key } = call;
    try {
      const iterator = this.#keyed(call, () => open()[Symbol.asyncIterator]());
      try {
        for (;;) {
          const next = await this.#keyed(call, () => iterator.next());
          if (next.done === true) break;
          this.keep(key, { type: "item", value: next.value });
          yield next.value;
        }
      } finally {
        await iterator.return?.(undefined);
      }
    } catch (error) {
      this.keep(key, { type: "error", error: toErrorRecord(error) });
      throw error;
    }
    this.keep(key, { type: "end" });
  }

  #keyed<T>({ key, request = key }: IdentifiedCall, fn: () => T): T {
    // What is asked for on the way is known by this key, and a number of its own.
    const within = new OutsideOf(this, key);
    return withOutside(within, () =>
      withRealTime(() => withIdempotencyKey(`${this.#options.executionId}:${request}`, fn)),
    );
  }
}

/** What one message of the guest's, or something that is asked for, leads to. */
class OutsideOf implements Outside {
  readonly #keeper: OutsideKeeper;
  readonly #key: string;
  #count = 0;

  constructor(keeper: OutsideKeeper, key: string) {
    this.#keeper = keeper;
    this.#key = key;
  }

  nextKey(): string {
    return `${this.#key}.${++this.#count}`;
  }

  call<T>(asked: AskedOutside, ask: () => T | Promise<T>): Promise<T> {
    return this.#keeper.call(this.nextKey(), asked, ask);
  }

  callNow<T>(asked: AskedOutside, ask: () => T): T {
    return this.#keeper.callNow(this.nextKey(), asked, ask);
  }

  values<T>(asked: AskedOutside, open: () => AsyncIterable<T>): AsyncIterable<T> {
    return this.#keeper.values(this.nextKey(), asked, open);
  }
}

/** What a call comes to of which somebody says that it gave this. */
function toPart(said: unknown, { toAnswer }: AskedOutside): OutsidePart {
  try {
    return { type: "value", value: toAnswer === undefined ? said : toAnswer(said) };
  } catch (error) {
    return { type: "error", error: toErrorRecord(error) };
  }
}

/** The answer that is on record. @throws {Error} where it was one. */
export function fromPart(part: OutsidePart): unknown {
  if (part.type === "error") throw toError(part.error);
  return part.type === "value" ? part.value : undefined;
}
