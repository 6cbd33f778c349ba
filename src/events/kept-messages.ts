import type { Envelope } from "./memory-subscription.ts";
import { isPattern, patternOf } from "./topic-names.ts";
import { refuseWrong } from "../shared/wrong-option.ts";

export interface KeepOptions {
  /** Most messages kept of one topic; the oldest goes first. */
  messages: number;
  /** Most topics of which messages are kept; the one that was published to least recently goes first. Default 1,000. */
  topics?: number;
}

/** The last messages of topics, for subscribers that come late. Bounded by messages per topic and by topics. */
export class KeptMessages {
  readonly #messages: number;
  readonly #topics: number;
  /** In order of last use. */
  readonly #kept = new Map<string, { order: number; envelope: Envelope }[]>();
  #order = 0;

  constructor(options: KeepOptions) {
    refuseWrong("keep messages", options, { messages: "amountOrNone", topics: "amountOrNone" });
    const { messages, topics = 1000 } = options;
    this.#messages = messages;
    this.#topics = topics;
  }

  add(envelope: Envelope): void {
    const { topic } = envelope;
    const list = this.#kept.get(topic) ?? [];
    list.push({ order: this.#order++, envelope });
    if (list.length > this.#messages) list.shift();
    this.#kept.delete(topic);
    this.#kept.set(topic, list);
    if (this.#kept.size > this.#topics) this.#kept.delete(this.#kept.keys().next().value!);
  }

  /** What is kept for a name or a pattern, in order of publication. */
  of(topic: string): Envelope[] {
    const lists = isPattern(topic)
      ? [...this.#kept].filter(([name]) => patternOf(name) === topic).map(([, list]) => list)
      : [this.#kept.get(topic) ?? []];
    const found = lists.length === 1 ? lists[0]! : lists.flat().sort((a, b) => a.order - b.order);
    return found.map(({ envelope }) => envelope);
  }

  forget(topic: string): void {
    this.#kept.delete(topic);
  }

  clear(): void {
    this.#kept.clear();
  }
}
