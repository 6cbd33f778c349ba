import type { Reading } from "./session-messages.ts";
import { SessionReader } from "./session-reader.ts";

/**
 * Processes that read code, for sessions which follow each other. Each reads one piece of code at a time, and those of one
 * tenant only. One that waits ends after its time, and does not keep this process alive.
 */
export class CodeReaders {
  readonly #size: number;
  /** The one that was used last comes last. */
  readonly #waiting: { tenant: string; reader: SessionReader }[] = [];
  readonly #busy = new Set<SessionReader>();

  /** @param size most that wait */
  constructor(size: number) {
    this.#size = size;
  }

  /** As {@link SessionReader.read} does it, and as many at a time as are asked for. */
  async read(
    name: string,
    code: string,
    options: { tenant: string; signal: AbortSignal },
  ): Promise<Reading | undefined> {
    const { tenant, signal } = options;
    const at = this.#waiting.findLastIndex((one) => one.tenant === tenant);
    const [kept] = at < 0 ? [] : this.#waiting.splice(at, 1);
    const reader = kept?.reader ?? new SessionReader();
    this.#busy.add(reader);
    try {
      const reading = await reader.read(name, code, signal);
      // One that had waited may have been ended meanwhile, by whomever: that says nothing of the code.
      return reading === undefined && kept !== undefined ? await reader.read(name, code, signal) : reading;
    } finally {
      this.#busy.delete(reader);
      this.#waiting.push({ tenant, reader });
      if (this.#waiting.length > this.#size) this.#waiting.shift()!.reader.close();
    }
  }

  /** Ends the processes. */
  close(): void {
    for (const { reader } of this.#waiting.splice(0)) reader.close();
    for (const reader of this.#busy) reader.close();
  }
}
