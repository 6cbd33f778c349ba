import { createHash } from "node:crypto";
import type { KV } from "@nats-io/kv";
import { overStoreLimit } from "../execution-errors.ts";
import type { ValueLimits } from "../tables/value-table.ts";
import type { NatsLink } from "./nats-link.ts";
import { scanStream } from "./scan-stream.ts";
import type { StreamNames } from "./stream-names.ts";

/** What a message may take beside its payload, in bytes. */
const HEADROOM = 4096;

/** Values by the names of their store and key, as texts, in a bucket. */
export class BucketValues {
  readonly #link: NatsLink;
  readonly #bucket: KV;
  readonly #name: string;
  readonly #limits: ValueLimits;

  constructor(link: NatsLink, bucket: KV, { values }: StreamNames, limits: ValueLimits) {
    this.#link = link;
    this.#bucket = bucket;
    this.#name = values;
    this.#limits = limits;
  }

  async get(store: string, key: string): Promise<string | undefined> {
    if (key.length > this.#limits.keyChars) return undefined;
    const entry = await this.#link.ask(() => this.#bucket.get(keyOf(store, key)));
    return entry?.string();
  }

  /** @throws {GeppettoError} ERR_STORE_LIMIT. What others write at the same moment is not counted. */
  async set(store: string, key: string, value: string): Promise<void> {
    const { keyChars, valueChars, keys, chars } = this.#limits;
    if (key.length > keyChars) throw overStoreLimit(`its key is longer than ${keyChars} characters`);
    if (value.length > valueChars) throw overStoreLimit(`it is larger than ${valueChars} characters`);
    const bytes = Buffer.byteLength(value);
    const room = (this.#link.connection.info?.max_payload ?? 1_000_000) - HEADROOM;
    if (bytes > room) throw overStoreLimit(`it is larger than the ${room} bytes that the server takes`);
    let [count, size] = [1, Buffer.byteLength(key) + bytes];
    for await (const other of this.#entries(store)) {
      if (other.key === key) continue;
      count++;
      size += Buffer.byteLength(other.key) + other.size;
    }
    if (count > keys) throw overStoreLimit(`the store has ${keys} keys, as many as it may`);
    if (size > chars) throw overStoreLimit(`the store holds ${chars} characters at most`);
    await this.#link.ask(() => this.#bucket.put(keyOf(store, key), value));
  }

  /** Was there one? */
  async delete(store: string, key: string): Promise<boolean> {
    if ((await this.get(store, key)) === undefined) return false;
    // A bucket's own way leaves a mark of it for ever.
    return this.#link.removeLast(`KV_${this.#name}`, `$KV.${this.#name}.${keyOf(store, key)}`);
  }

  async list(store: string, prefix: string): Promise<string[]> {
    const found: string[] = [];
    for await (const { key } of this.#entries(store)) if (key.startsWith(prefix)) found.push(key);
    return found.sort((a, b) => (a < b ? -1 : 1));
  }

  async *#entries(store: string): AsyncGenerator<{ key: string; size: number }> {
    const filter = `$KV.${this.#name}.${tokenOf(store)}.*`;
    for await (const { subject, headers } of scanStream(this.#link, `KV_${this.#name}`, {
      filter,
      isWithoutTexts: true,
    })) {
      const key = Buffer.from(subject.split(".").at(-1)!.slice(1), "base64url").toString();
      yield { key, size: Number(headers?.get("Nats-Msg-Size") ?? 0) };
    }
  }
}

/** Names of stores are of any length. */
function tokenOf(store: string): string {
  return createHash("sha256").update(store).digest("hex").slice(0, 40);
}

function keyOf(store: string, key: string): string {
  return `${tokenOf(store)}.k${Buffer.from(key).toString("base64url")}`;
}
