import { randomUUID } from "node:crypto";
import type { KV } from "@nats-io/kv";
import { isHeldAloud, machineUptime } from "../../../base/process-holder.ts";
import type { LogRow } from "./log-row.ts";
import type { NatsLink } from "./nats-link.ts";

/**
 * Which open journals are there: each says so in a bucket that forgets who is silent for too long. So whether one is silent
 * is for the server's clock alone.
 */
export class SessionHolders {
  /** This journal, among all that are open. */
  readonly own: string = randomUUID();
  readonly #link: NatsLink;
  readonly #bucket: KV;
  readonly #everyMs: number;
  #saidAt = -Infinity;

  constructor(link: NatsLink, bucket: KV, everyMs: number) {
    this.#link = link;
    this.#bucket = bucket;
    this.#everyMs = everyMs;
  }

  /** Says that this journal is there, where that was not said of late. */
  async say(): Promise<void> {
    if (performance.now() - this.#saidAt < this.#everyMs) return;
    const now = performance.now();
    await this.#link.ask(() => this.#bucket.put(this.own, ""));
    this.#saidAt = now;
  }

  /** The connection was lost: what was said may be forgotten. */
  forget(): void {
    this.#saidAt = -Infinity;
  }

  async leave(): Promise<void> {
    if (this.#saidAt > -Infinity) await this.#bucket.purge(this.own);
  }

  /** Does somebody run it who is there? `known` keeps what was asked, for those of a list. */
  async isHeld({ holder, session }: LogRow, known = new Map<string, boolean>()): Promise<boolean> {
    const now = Date.now();
    // The process of one on this machine is looked for.
    if (holder === null || !isHeldAloud(holder, { clock: now, uptime: machineUptime() }, now)) return false;
    if (session === this.own) return true;
    let isThere = known.get(session);
    if (isThere === undefined) {
      isThere = (await this.#link.ask(() => this.#bucket.get(session))) !== null;
      known.set(session, isThere);
    }
    return isThere;
  }
}
