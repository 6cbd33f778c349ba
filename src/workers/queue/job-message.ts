import type { Msg } from "@nats-io/transport-node";

/** A job that this process has, and what it tells the server of it, by JetStream's own words. */
export class JobMessage {
  readonly id: string;
  readonly #message: Msg;

  constructor(message: Msg) {
    this.#message = message;
    this.id = message.string();
  }

  /** Nobody had it before. */
  get isFirst(): boolean {
    // "$JS.ACK.stream.consumer.deliveries…", from servers with domains "$JS.ACK.domain.account.stream.consumer.deliveries…".
    const words = this.#message.reply?.split(".") ?? [];
    return words.at(words.length > 9 ? 6 : 4) === "1";
  }

  /** It is done. */
  ack(): void {
    this.#message.respond("+ACK");
  }

  /** It is to be given to somebody again, after some milliseconds. */
  nak(delayMs = 0): void {
    this.#message.respond(`-NAK ${JSON.stringify({ delay: delayMs * 1e6 })}`);
  }

  /** It goes on. */
  working(): void {
    this.#message.respond("+WPI");
  }
}
