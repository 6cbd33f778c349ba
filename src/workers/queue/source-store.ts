import { createHash } from "node:crypto";
import { z } from "zod";
import type { LoadedScript } from "../../engine/script/load-script.ts";
import { scanStream } from "../../journal/executions/nats/scan-stream.ts";
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
  if ((await storedAs(queue, hash))?.size !== bytes.length)
    await link.ask(() => sources.putBlob({ name: hash }, bytes));
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
    const stored = await storedAs(this.#queue, hash);
    if (stored === undefined) throw unfit("run the job", "its source is gone from the server");
    const bytes = await this.#bytesOf(stored);
    if (bytes === undefined || hashOf(bytes) !== hash)
      throw unfit("run the job", "its source is not what was submitted");
    let found: unknown;
    try {
      found = source.parse(JSON.parse(bytes.toString()));
    } catch {
      throw unfit("run the job", "its source is not one of a script");
    }
    return { loaded: found as LoadedScript, bytes: bytes.length };
  }

  /** All pieces that are there, whatever is said of them; undefined where they are too many. */
  async #bytesOf({ nuid }: StoredObject): Promise<Buffer | undefined> {
    const { link, names } = this.#queue;
    const pieces: Uint8Array[] = [];
    let size = 0;
    for await (const { data } of scanStream(link, `OBJ_${names.sources}`, {
      filter: `$O.${names.sources}.C.${nuid}`,
    })) {
      size += data.length;
      if (size > MAX_SOURCE_CHARS) return undefined;
      pieces.push(data);
    }
    return Buffer.concat(pieces);
  }
}

const object = z.object({
  size: z.number(),
  nuid: z.string().regex(/^\w{1,64}$/),
  deleted: z.boolean().optional(),
});

type StoredObject = z.infer<typeof object>;

/** What the object store says of a source; undefined where there is none, and for what no object store says. */
async function storedAs({ link, names }: JobQueue, hash: string): Promise<StoredObject | undefined> {
  const query = { last_by_subj: `$O.${names.sources}.M.${Buffer.from(hash).toString("base64url")}==` };
  const kept = await link.ask(() => link.manager.streams.getMessage(`OBJ_${names.sources}`, query));
  try {
    const found = kept === null ? undefined : object.parse(kept.json());
    return found?.deleted === true ? undefined : found;
  } catch {
    return undefined;
  }
}

function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function unfit(action: string, why: string): GeppettoError {
  return new GeppettoError("ValidationError", `Cannot ${action}: ${why}`);
}
