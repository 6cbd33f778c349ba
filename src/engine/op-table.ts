import { withCallSignal } from "../base/call-context.ts";
import { timeSource } from "../base/time/time-source.ts";
import { encodeValue } from "../shared/codec.ts";
import type { Op, OpMode, Unchecked } from "../shared/contract/op.ts";
import { OPS } from "../shared/contract/ops.ts";
import { decodeValue } from "../shared/decode.ts";
import { GeppettoError, toErrorRecord } from "../shared/errors.ts";
import { FRAME_VERSION, MAX_FRAME_CHARS, type ErrorRecord, type Outcome, type Frame } from "../shared/frames.ts";
import type { HostBridge } from "../sandbox/realm.ts";
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

/** What a frame has turned out to be. */
interface ReadCall {
  op: ServedOp;
  args: unknown;
  callId: number | undefined;
  call: OpCall;
}

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
  /** Sends the outcome of an asynchronous call into the guest. Throws at once for one that cannot cross. */
  settle(callId: number, outcome: Outcome): Promise<unknown>;
  /** Sees every error that goes to the guest. */
  onError(record: ErrorRecord): void;
}

/** Calls beyond the limit that a guest may make of which the host has not yet heard that it has their outcomes. */
const UNHEARD_CALLS = 128;

/** Most that a frame may weigh: what an encoder lets through, and what is around it. */
const MAX_WEIGHT = 1.25 * MAX_FRAME_CHARS;

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
    const { name, mode, effect, isLasting = false } = op;
    if (this.#ops.has(name))
      throw new GeppettoError("ConfigError", `Cannot register the op "${name}": it exists already`);
    this.#ops.set(name, { name, mode, effect, isLasting, handler: this.#options.handlerFor?.(op) ?? handler });
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
      const { op, args, callId, call } = this.#read(frame);
      if (!this.#serves(op)) return IGNORED;
      // A note that was sent as a call, to be answered when all before it are served.
      if (callId !== undefined) {
        this.#begin(op, args, callId, call);
        return IGNORED;
      }
      return encodeOutcome({ ok: true, value: answerNow(op, args, call) });
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
      const { op, args, callId, call } = read;
      if (!this.#serves(op)) return;
      if (callId !== undefined) this.#begin(op, args, callId, call);
      else answerNow(op, args, call);
    } catch (error) {
      // Nobody waits for it.
      this.#record(error);
    }
  }

  async callBlocking(frame: string): Promise<Frame> {
    const buffers: ArrayBuffer[] = [];
    try {
      const { op, args, call } = this.#read(frame);
      if (!this.#serves(op)) return { text: IGNORED };
      this.#blocking++;
      const outcome = await this.#serve(op, args, blockingId--, call);
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
    if (!Array.isArray(parsed) || parsed[0] !== FRAME_VERSION || parsed.length < 3 || parsed.length > 4) {
      throw new GeppettoError("ValidationError", "Cannot read a frame: it is malformed");
    }
    const [, name, args, callId] = parsed as unknown[];
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
    return { op, args, callId: callId as number | undefined, call: new OpCall(frame.length, weight) };
  }

  #start(op: ServedOp, args: unknown, callId: number, call: OpCall): void {
    if (this.#pending.has(callId))
      throw new GeppettoError("ValidationError", `Cannot start call ${callId}: it is pending already`);
    if (this.#pending.size >= this.#options.maxPending) throw this.#options.onTooMany();
    const { chars } = call;
    this.#options.checkRoom(chars);
    const { ledger } = this.#options;
    const giveBack = ledger.reserve(chars);
    const release = ledger.hold("op");
    void this.#serve(op, args, callId, call).then((outcome) => {
      // The settling turn takes its own hold before this one goes.
      if (outcome !== undefined) this.#settle(callId, outcome);
      giveBack();
      release();
    });
  }

  /** Starts an asynchronous call; what it is refused for is its outcome. */
  #begin(op: ServedOp, args: unknown, callId: number, call: OpCall): void {
    if (this.#pending.size + this.#settling >= this.#options.maxPending + UNHEARD_CALLS) {
      this.#options.onBroken();
      return;
    }
    try {
      this.#start(op, args, callId, call);
    } catch (error) {
      const record = this.#record(error);
      if (!this.#pending.has(callId)) this.#settle(callId, { ok: false, error: record });
    }
  }

  #settle(callId: number, outcome: Outcome): void {
    this.#settling++;
    void this.#tell(callId, outcome).then(() => void this.#settling--);
  }

  #tell(callId: number, outcome: Outcome): Promise<unknown> {
    try {
      return this.#options.settle(callId, outcome);
    } catch (error) {
      return this.#options.settle(callId, { ok: false, error: this.#record(error) });
    }
  }

  async #serve(op: ServedOp, args: unknown, callId: number, call: OpCall): Promise<Outcome | undefined> {
    this.#pending.set(callId, call);
    // A handler that ignores its signal keeps neither the guest nor a closed engine waiting.
    const outcome = await timeSource().counted(() =>
      call.orAborted(
        withCallSignal(
          () => call.signal,
          () => this.#outcome(op, args, call),
        ),
      ),
    );
    // A guest that has aborted the call may have given its id to another.
    if (this.#pending.get(callId) === call) this.#pending.delete(callId);
    return outcome;
  }

  async #outcome(op: ServedOp, args: unknown, call: OpCall): Promise<Outcome> {
    try {
      return { ok: true, value: await op.handler(args, call) };
    } catch (error) {
      // Nobody is told of the failure of a call that was aborted.
      return { ok: false, error: call.isAborted ? toErrorRecord(error) : this.#record(error) };
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
function answerNow({ mode, handler }: ServedOp, args: unknown, call: OpCall): unknown {
  if (mode !== "sync" && mode !== "note") {
    throw new GeppettoError("ValidationError", "Cannot call an asynchronous op synchronously");
  }
  const value = handler(args, call);
  if (!(value instanceof Promise)) return value;
  // Its failure must not go unheard: that would end the process.
  value.catch(() => {});
  throw new GeppettoError(
    "ConfigError",
    "Cannot answer a synchronous op with a promise: make its mode async or blocking",
  );
}

/** Ids of blocking calls are the host's own and negative, so that they never meet a guest's. */
let blockingId = -1;

function encodeOutcome(outcome: Outcome | undefined, buffers?: ArrayBuffer[]): string {
  const settled = outcome ?? {
    ok: false,
    error: { name: "AbortError", message: "The call was aborted", code: "ERR_ABORTED" },
  };
  return encodeValue(settled, buffers === undefined ? { exotic: "omit" } : { buffers, exotic: "omit" });
}
