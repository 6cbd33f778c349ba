/** An op table without a realm: what it settles, records and holds is kept. */
import { OpTable, type OpHandler } from "../../../src/engine/op-table.ts";
import { Ledger } from "../../../src/engine/ledger.ts";
import { encodeValue } from "../../../src/shared/codec.ts";
import type { Op, OpEffect, OpMode } from "../../../src/shared/contract/op.ts";
import { decodeValue } from "../../../src/shared/decode.ts";
import { GeppettoError } from "../../../src/shared/errors.ts";
import { FRAME_VERSION, type ErrorRecord, type Outcome } from "../../../src/shared/frames.ts";

/** As many calls may be pending, and as many characters. */
const MAX_PENDING = 3;
const MAX_CHARS = 1000;

export class OpTableFixture {
  readonly ledger: Ledger = new Ledger();
  readonly table: OpTable;
  /** The outcomes of asynchronous calls, as the guest gets them. */
  readonly settled: [callId: number, outcome: Outcome][] = [];
  /** What went to the guest as an error. */
  readonly errors: ErrorRecord[] = [];
  /** What notes that could not be read were answered with. */
  readonly unreadable: ErrorRecord[] = [];
  /** How often the guest has broken its word. */
  broken = 0;

  constructor() {
    this.table = new OpTable({
      ledger: this.ledger,
      maxPending: MAX_PENDING,
      onTooMany: () => new GeppettoError("LimitError", "too many calls"),
      checkRoom: (chars) => {
        if (this.ledger.chars + chars > MAX_CHARS) throw new GeppettoError("LimitError", "too many characters");
      },
      settle: (callId, outcome, onTold) => {
        this.settled.push([callId, decodeValue(encodeValue(outcome)) as Outcome]);
        queueMicrotask(onTold);
      },
      onError: (record) => this.errors.push(record),
      onBroken: () => void this.broken++,
      onUnreadable: (record) => this.unreadable.push(record),
    });
  }

  /** Registers an op that does nothing but what the handler does. */
  serve<Mode extends OpMode>(
    name: string,
    mode: Mode,
    handler: OpHandler<unknown, unknown, Mode>,
    effect: OpEffect = "effect",
  ): Op<unknown, unknown, Mode> {
    const op: Op<unknown, unknown, Mode> = { name, mode, effect };
    this.table.set(op, handler);
    return op;
  }

  call(name: string, args: unknown = {}, callId?: unknown): Outcome {
    return decodeValue(this.table.call(frameOf(name, args, callId))) as Outcome;
  }

  note(name: string, args: unknown = {}, callId?: unknown): void {
    this.table.note(frameOf(name, args, callId));
  }

  async callBlocking(name: string, args: unknown = {}): Promise<Outcome> {
    const { text, buffers } = await this.table.callBlocking(frameOf(name, args));
    return decodeValue(text, buffers) as Outcome;
  }
}

export function frameOf(name: string, args: unknown, callId?: unknown): string {
  return encodeValue(callId === undefined ? [FRAME_VERSION, name, args] : [FRAME_VERSION, name, args, callId]);
}
