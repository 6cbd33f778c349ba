import { createHash } from "node:crypto";
import type { ExecutionRecord } from "../../journal/executions/journal.ts";
import { OutsideAnswers } from "./outside-answers.ts";
import { readIntent, readPart, RECORDS } from "./tape-record.ts";

/**
 * What an execution has asked for outside since its last checkpoint. The attempt that begins the script anew is not at the same
 * place when it asks for the same: so this is known by what was asked, and how often that was before.
 */
export class CarriedAnswers {
  readonly #answers = new Map<string, OutsideAnswers>();

  /** @param records those since the checkpoint, of the attempt that made it */
  constructor(records: readonly ExecutionRecord[]) {
    const byKey = new Map<string, OutsideAnswers>();
    for (const [place, record] of records.entries()) {
      if (record.kind === RECORDS.intent) {
        const { key, request } = readIntent(record);
        if (request === undefined) continue;
        const answers = this.#answers.get(request) ?? new OutsideAnswers();
        answers.begin();
        this.#answers.set(request, answers);
        byKey.set(key, answers);
      } else if (record.kind === RECORDS.answer) {
        const { key, part } = readPart(record);
        const answers = byKey.get(key);
        answers?.add(part, place);
        answers?.release(part);
      }
    }
  }

  find(request: string): OutsideAnswers | undefined {
    return this.#answers.get(request);
  }
}

/** Numbers what is asked for between two checkpoints: the same each time that the script begins at the first of them. */
export class RequestCount {
  readonly #counts = new Map<string, number>();
  #checkpoints: number;

  constructor(checkpoints: number) {
    this.#checkpoints = checkpoints;
  }

  get checkpoints(): number {
    return this.#checkpoints;
  }

  noteCheckpoint(): void {
    this.#checkpoints++;
    this.#counts.clear();
  }

  /** What the request is known by; undefined before the first checkpoint, where its place says that. */
  next(name: string, args: readonly unknown[] | undefined): string | undefined {
    if (this.#checkpoints === 0 || args === undefined) return undefined;
    const hash = createHash("sha256")
      .update(toText([name, ...args]))
      .digest("hex")
      .slice(0, 32);
    const count = (this.#counts.get(hash) ?? 0) + 1;
    this.#counts.set(hash, count);
    return `checkpoint-${this.#checkpoints}:${hash}.${count}`;
  }
}

/** The same text for values that are the same as far as they can be told apart on their way. */
function toText(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner === "bigint") return `${inner}n`;
    if (inner instanceof Map || inner instanceof Set) return [...inner];
    if (inner instanceof ArrayBuffer) return Buffer.from(inner).toString("hex");
    if (ArrayBuffer.isView(inner)) return Buffer.from(inner.buffer, inner.byteOffset, inner.byteLength).toString("hex");
    return inner;
  });
}
