import { createHash } from "node:crypto";
import { z } from "zod";
import type { LoadedScript } from "../../engine/script/load-script.ts";
import { GeppettoError } from "../../shared/errors.ts";
import type { JobQueue } from "./job-queue.ts";

/** Largest source with all that it imports, in characters: as much as may be imported. */
const MAX_SOURCE_CHARS = 64_000_000;

const error = z.looseObject({ name: z.string(), message: z.string() });

const source = z.strictObject({
  code: z.string(),
  name: z.string(),
  kind: z.enum(["module", "classic"]),
  lineOffset: z.number().int(),
  positions: z.strictObject({ file: z.string(), sources: z.array(z.string()), mappings: z.string() }).optional(),
  sources: z.record(z.string(), z.string()).optional(),
  refusals: z.array(error).optional(),
});

/** Sources that a worker has at hand, by their hashes, the one that was used last at the end: so much of them. */
const MAX_KEPT_BYTES = 32_000_000;

/** Keeps a source under its own hash; one that is there already is not sent again. */
export async function storeSource(queue: JobQueue, { folder: _, ...loaded }: LoadedScript): Promise<string> {
  const bytes = Buffer.from(JSON.stringify(loaded));
  if (bytes.length > MAX_SOURCE_CHARS) throw unfit("submit the script", "it is too large, with what it imports");
  const hash = hashOf(bytes);
  const { sources, link } = queue;
  await link.ask(async () => {
    const known = await sources.info(hash);
    if (known === null || known.deleted) await sources.putBlob({ name: hash }, bytes);
  });
  return hash;
}

/** Sources of jobs, as they were stored; those that were read last are at hand. */
export class SourceReader {
  readonly #queue: JobQueue;
  readonly #kept = new Map<string, { loaded: LoadedScript; bytes: number }>();
  #keptBytes = 0;

  constructor(queue: JobQueue) {
    this.#queue = queue;
  }

  /** @throws {GeppettoError} ValidationError where it is gone, or is not what was stored. */
  async read(hash: string): Promise<LoadedScript> {
    const source = this.#kept.get(hash) ?? (await this.#fetch(hash));
    if (!this.#kept.delete(hash)) this.#keptBytes += source.bytes;
    this.#kept.set(hash, source);
    for (const [oldest, { bytes }] of this.#kept) {
      if (this.#keptBytes <= MAX_KEPT_BYTES) break;
      this.#kept.delete(oldest);
      this.#keptBytes -= bytes;
    }
    return source.loaded;
  }

  async #fetch(hash: string): Promise<{ loaded: LoadedScript; bytes: number }> {
    const { link, sources } = this.#queue;
    const bytes = await link.ask(() => sources.getBlob(hash));
    if (bytes === null) throw unfit("run the job", "its source is gone from the server");
    if (bytes.length > MAX_SOURCE_CHARS || hashOf(bytes) !== hash)
      throw unfit("run the job", "its source is not what was submitted");
    const found = source.safeParse(JSON.parse(Buffer.from(bytes).toString()));
    if (!found.success) throw unfit("run the job", "its source is not one of a script");
    return { loaded: found.data as LoadedScript, bytes: bytes.length };
  }
}

function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function unfit(action: string, why: string): GeppettoError {
  return new GeppettoError("ValidationError", `Cannot ${action}: ${why}`);
}
