import { withCallSignal } from "../base/call-context.ts";
import { isThenable } from "../base/calls/call-back.ts";
import type { TraceSpan } from "../base/telemetry/trace.ts";
import { timeSource } from "../base/time/time-source.ts";
import { encodeValue } from "../shared/codec.ts";
import type { Op, OpMode, Unchecked } from "../shared/contract/op.ts";
import { OPS } from "../shared/contract/ops.ts";
import { decodeValue } from "../shared/decode.ts";
import { GeppettoError, toErrorRecord } from "../shared/errors.ts";
import { FRAME_VERSION, MAX_FRAME_CHARS, type ErrorRecord, type Outcome, type Frame } from "../shared/frames.ts";
import { plainOutcome } from "../shared/plain-text.ts";
import type { HostBridge } from "../sandbox/realm.ts";
import { endOpSpan, startOpSpan } from "./op-span.ts";
import { weighFrame } from "./frame-weight.ts";
import { parseFields } from "./guest-messages.ts";
import type { Ledger } from "./ledger.ts";
import { OpCall, type OpContext } from "./op-call.ts";

/**
 * Serves one op. The arguments come from the guest: parse them. May throw, or reject where the op's mode lets it answer
 * later; the guest gets a record of it.
 */
export type OpHandler<Args, Answer, Mode extends OpMode> = (
  args: Unchecked<Args>,
  context: OpContext,
) => Mode extends "async" | "blocking" ? Answer | Promise<Answer> : Answer;

interface ServedOp extends Op {
  handler(args: unknown, context: OpContext): unknown;
}

/** The span of what an op was called for, as the guest names it. */
export type FindSpan = (cause: string) => TraceSpan | undefined;

/** What a frame has turned out to be. */
interface ReadCall {
  op: ServedOp;
  args: unknown;
  callId: number | undefined;
  call: OpCall;
  /** The span of what it was called for, where somebody hears of it. */
  cause: TraceSpan | undefined;
}

/** Longest name of what an op was called for. */
const MAX_CAUSE = 80;

export interface OpTableOptions {
  /** What serves an op in place of its own handler. */
  handlerFor?: ((op: Op) => ((args: unknown) => unknown) | undefined) | undefined;
  ledger: Ledger;
  maxPending: number;
  /** Refuses a call over the limit with the limit's error. */
  onTooMany: () => GeppettoError;
  /** Throws when this many characters of arguments are more than may be pending. */
  checkRoom(chars: number): void;
  /** The guest has more under way than one that keeps to its limits can have. */
  onBroken(): void;
  /** The guest has sent a note that cannot be read. */
  onUnreadable(error: ErrorRecord): void;
  /** Sends the outcome of an asynchronous call into the guest; `onTold` hears when it is there. Throws at once for one that cannot cross. */
  settle(callId: number, outcome: Outcome, onTold: () => void): void;
  /** Sees every error that goes to the guest. */
  onError(record: ErrorRecord): void;
  /** Undefined where nobody hears of spans. */
  findSpan?: FindSpan | undefined;
}

/** Calls beyond the limit that a guest may make of which the host has not yet heard that it has their outcomes. */
const UNHEARD_CALLS = 128;

/** Most that a frame may weigh: what an encoder lets through, and what is around it. */
const MAX_WEIGHT = 1.25 * MAX_FRAME_CHARS;

/** What a character of arguments may weigh: the guest itself counts characters, and numbers weigh this. */
const WEIGHT_PER_CHAR = 3;

/** Longest frame whose weight is its length: what is in it cannot matter. */
const LIGHT_CHARS = 128;

const IGNORED = '{"ok":true}';

/** The host's half of the bridge: reads frames from the guest, finds the op, answers. Nothing gets out as an exception. */
export class OpTable implements HostBridge {
  readonly #ops = new Map<string, ServedOp>();
  readonly #pending = new Map<number, OpCall>();
  /** Outcomes on their way into the guest. */
  #settling = 0;
  #blocking = 0;
  readonly #options: OpTableOptions;
  /** When false, calls are ignored but for pure ops: the script has ended and may not act any more. */
  accepting = true;

  constructor(options: OpTableOptions) {
    this.#options = options;
    this.set(OPS.op_abort, (args) => this.#abort(parseFields(args).callId));
  }

  /** Registers what serves an op. */
  set<Args, Answer, Mode extends OpMode>(
    op: Op<Args, Answer, Mode>,
    handler: OpHandler<Args, NoInfer<Answer>, Mode>,
  ): void {
    const { name, mode, effect, isLasting = false, isWait = false, isTraced = false } = op;
    if (this.#ops.has(name))
      throw new GeppettoError("ConfigError", `Cannot register the op "${name}": it exists already`);
    const served = this.#options.handlerFor?.(op) ?? handler;
    this.#ops.set(name, { name, mode, effect, isLasting, isWait, isTraced, handler: served });
  }

  /** Is a call of this op still served, whatever has become of the script? */
  #serves({ effect, isLasting }: ServedOp): boolean {
    return this.accepting || effect === "pure" || isLasting === true;
  }

  /** Calls for whose answers the guest waits with its thread. */
  get blocking(): number {
    return this.#blocking;
  }

  get pending(): number {
    return this.#pending.size;
  }

  /** Aborts every pending call; their outcomes are dropped. */
  abortAll(reason: unknown): void {
    const calls = [...this.#pending.values()];
    this.#pending.clear();
    for (const call of calls) call.abort(reason);
  }

  call(frame: string): string {
    try {
      const read = this.#read(frame);
      if (!this.#serves(read.op)) return IGNORED;
      // A note that was sent as a call, to be answered when all before it are served.
      if (read.callId !== undefined) {
        this.#begin(read, read.callId);
        return IGNORED;
      }
      return encodeOutcome({ ok: true, value: answerNow(read) });
    } catch (error) {
      return encodeOutcome({ ok: false, error: this.#record(error) });
    }
  }

  note(frame: string): void {
    let read: ReadCall;
    try {
      read = this.#read(frame);
    } catch (error) {
      // What it was to begin never will: whoever waits for that would wait for ever.
      this.#options.onUnreadable(this.#record(error));
      return;
    }
    try {
      if (!this.#serves(read.op)) return;
      if (read.callId !== undefined) this.#begin(read, read.callId);
      else answerNow(read);
    } catch (error) {
      // Nobody waits for it.
      this.#record(error);
    }
  }

  async callBlocking(frame: string): Promise<Frame> {
    const buffers: ArrayBuffer[] = [];
    try {
      const read = this.#read(frame);
      if (!this.#serves(read.op)) return { text: IGNORED };
      this.#blocking++;
      const outcome = await new Promise<Outcome | undefined>((resolve) => this.#serve(read, blockingId--, resolve));
      this.#blocking--;
      return { text: encodeOutcome(outcome, buffers), buffers };
    } catch (error) {
      return { text: encodeOutcome({ ok: false, error: this.#record(error) }) };
    }
  }

  #read(frame: string): ReadCall {
    const weight = frame.length > LIGHT_CHARS ? weighFrame(frame, MAX_WEIGHT) : frame.length;
    // The guest's encoder refuses it earlier: this one was made by somebody else.
    if (weight > MAX_WEIGHT) {
      throw new GeppettoError("ValidationError", "Cannot read a frame: it is too long");
    }
    const parsed = decodeValue(frame);
    if (!Array.isArray(parsed) || parsed[0] !== FRAME_VERSION || parsed.length < 3 || parsed.length > 5) {
      throw new GeppettoError("ValidationError", "Cannot read a frame: it is malformed");
    }
    const list: readonly unknown[] = parsed;
    const name = list[1];
    const id = list[3];
    // Where something follows it, there may be none.
    const callId = id === null && parsed.length === 5 ? undefined : id;
    const op = typeof name === "string" ? this.#ops.get(name) : undefined;
    if (op === undefined) {
      throw new GeppettoError(
        "ValidationError",
        `Cannot call the op "${String(name).slice(0, 100)}": no op has this name`,
      );
    }
    if (callId !== undefined && !(Number.isSafeInteger(callId) && (callId as number) > 0)) {
      throw new GeppettoError("ValidationError", "Cannot read a frame: its call id is malformed");
    }
    return {
      op,
      args: list[2],
      callId: callId as number | undefined,
      call: new OpCall(Math.max(frame.length, weight / WEIGHT_PER_CHAR), weight),
      cause: this.#findSpan(list[4]),
    };
  }

  #findSpan(cause: unknown): TraceSpan | undefined {
    return typeof cause === "string" && cause.length <= MAX_CAUSE ? this.#options.findSpan?.(cause) : undefined;
  }

  #start(read: ReadCall, callId: number): void {
    if (this.#pending.has(callId))
      throw new GeppettoError("ValidationError", `Cannot start call ${callId}: it is pending already`);
    if (this.#pending.size >= this.#options.maxPending) throw this.#options.onTooMany();
    const { chars } = read.call;
    this.#options.checkRoom(chars);
    const { ledger } = this.#options;
    const kind = read.op.isWait === true ? "wait" : "op";
    ledger.keep(chars);
    ledger.take(kind);
    this.#serve(read, callId, (outcome) => {
      // The settling turn takes its own hold before this one goes.
      if (outcome !== undefined) this.#settle(callId, outcome);
      ledger.keep(-chars);
      ledger.letGo(kind);
    });
  }

  /** Starts an asynchronous call; what it is refused for is its outcome. */
  #begin(read: ReadCall, callId: number): void {
    if (this.#pending.size + this.#settling >= this.#options.maxPending + UNHEARD_CALLS) {
      this.#options.onBroken();
      return;
    }
    try {
      this.#start(read, callId);
    } catch (error) {
      const record = this.#record(error);
      if (!this.#pending.has(callId)) this.#settle(callId, { ok: false, error: record });
    }
  }

  readonly #onTold = (): void => void this.#settling--;

  #settle(callId: number, outcome: Outcome): void {
    this.#settling++;
    try {
      this.#options.settle(callId, outcome, this.#onTold);
    } catch (error) {
      this.#options.settle(callId, { ok: false, error: this.#record(error) }, this.#onTold);
    }
  }

  /** Serves a call; `onOver` hears its outcome once, or undefined where it was aborted before. */
  #serve(read: ReadCall, callId: number, onOver: (outcome: Outcome | undefined) => void): void {
    const { op, call, cause } = read;
    this.#pending.set(callId, call);
    const span = cause === undefined ? startOpSpan(op) : cause.run(() => startOpSpan(op));
    const end = (outcome: Outcome | undefined): void => {
      endOpSpan(span, outcome);
      // A guest that has aborted the call may have given its id to another.
      if (this.#pending.get(callId) === call) this.#pending.delete(callId);
      onOver(outcome);
    };
    const time = timeSource();
    if (time.isVirtual) {
      const ended = (): Promise<Outcome | undefined> =>
        new Promise((resolve) => {
          call.begin(resolve);
          this.#handle(read, span);
        });
      void time.counted(ended).then(end);
      return;
    }
    call.begin(end);
    this.#handle(read, span);
  }

  #handle(read: ReadCall, span: TraceSpan | undefined): void {
    const { call, cause } = read;
    const above = span ?? cause;
    withCallSignal(call, () => (above === undefined ? this.#run(read) : above.run(() => this.#run(read))));
  }

  /** A handler that ignores its signal keeps neither the guest nor a closed engine waiting. */
  #run({ op, args, call }: ReadCall): void {
    const succeed = (value: unknown): void => call.end({ ok: true, value });
    const fail = (error: unknown): void => {
      // Nobody is told of the failure of a call that was aborted.
      if (!call.isOver) call.end({ ok: false, error: this.#record(error) });
    };
    try {
      const value = op.handler(args, call);
      if (value instanceof Promise) value.then(succeed, fail);
      else if (isThenable(value)) Promise.resolve(value).then(succeed, fail);
      else succeed(value);
    } catch (error) {
      fail(error);
    }
  }

  #abort(callId: unknown): void {
    const call = this.#pending.get(callId as number);
    this.#pending.delete(callId as number);
    call?.abort(new GeppettoError("AbortError", "The script aborted the call"));
  }

  #record(error: unknown): ErrorRecord {
    const record = toErrorRecord(error);
    this.#options.onError(record);
    return record;
  }
}

/** Serves an op that is answered, where it is, within the call. */
function answerNow({ op, args, call, cause }: ReadCall): unknown {
  const { mode } = op;
  if (mode !== "sync" && mode !== "note") {
    throw new GeppettoError("ValidationError", "Cannot call an asynchronous op synchronously");
  }
  const value = below(cause, () => handled(op, args, call));
  if (!(value instanceof Promise)) return value;
  // Its failure must not go unheard: that would end the process.
  value.catch(() => {});
  throw new GeppettoError(
    "ConfigError",
    "Cannot answer a synchronous op with a promise: make its mode async or blocking",
  );
}

/** Runs a function below a span, where there is one. */
function below<T>(span: TraceSpan | undefined, fn: () => T): T {
  return span === undefined ? fn() : span.run(fn);
}

/** What serves an op, below a span of its own where somebody hears of it. */
function handled(op: ServedOp, args: unknown, call: OpCall): unknown {
  const span = startOpSpan(op);
  if (span === undefined) return op.handler(args, call);
  try {
    const value = span.run(() => op.handler(args, call));
    span.end();
    return value;
  } catch (error) {
    span.end({ error });
    throw error;
  }
}

/** Ids of blocking calls are the host's own and negative, so that they never meet a guest's. */
let blockingId = -1;

function encodeOutcome(outcome: Outcome | undefined, buffers?: ArrayBuffer[]): string {
  const settled: Outcome = outcome ?? {
    ok: false,
    error: { name: "AbortError", message: "The call was aborted", code: "ERR_ABORTED" },
  };
  const plain = plainOutcome(settled);
  if (plain !== undefined) return plain;
  return encodeValue(settled, { ...(buffers && { buffers }), exotic: "omit", isTrusted: true });
}
